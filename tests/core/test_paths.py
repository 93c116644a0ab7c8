from src.core import paths


def test_a_folder_whose_name_is_taken_ends_in_a_number(tmp_path):
    wanted = tmp_path / "2026-11-25" / "03-14-15"
    made = [paths.fresh_folder(wanted) for _ in range(3)]
    assert [folder.name for folder in made] == ["03-14-15", "03-14-15-2", "03-14-15-3"]
    assert all(folder.is_dir() for folder in made)
