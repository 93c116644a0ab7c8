from src.core.checksum import sha256


def test_a_checksum_is_of_every_byte(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
    assert sha256(file) == known
    file.write_bytes(b"abd")
    assert sha256(file) != known
