"""A real Slurm of one node on loopback: Debian's munged, slurmctld and slurmd."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.leash import leashed
from tests.support.servers import free_port, program, wait_until

PACKAGES = ("slurm-wlm", "munge")
PLACES = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])


@contextmanager
def slurm() -> Iterator[Mapping[str, str]]:
    """Run a cluster of this machine until the block ends, and yield the variables by which sbatch,
    squeue and the like find it. It needs root, which slurmd runs as.
    """
    if os.getuid() != 0:
        pytest.fail("A node of Slurm runs as root: run these tests as root.", pytrace=False)
    names = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo")
    found = {name: program(name, PACKAGES, lambda: PLACES) for name in names}
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # of root alone, as munged asks for
    config = folder / "slurm.conf"
    config.write_text(_configuration(folder))
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    env = {**os.environ, "SLURM_CONF": str(config)}
    own = [f"--{kind}-file={folder / f'munged.{kind}'}" for kind in ("pid", "log", "seed")]
    munged = [found["munged"], "--foreground", "--force", f"--socket={folder / 'munge.socket'}"]
    munged += [f"--key-file={key}", *own]
    daemons = [munged, [found["slurmctld"], "-D", "-i"], [found["slurmd"], "-D"]]
    try:
        with ExitStack() as running:
            for command in daemons:
                log = folder / f"{Path(command[0]).name}.log"
                process = running.enter_context(leashed(command, log, cwd=folder, env=env))
                time.sleep(0.5)  # each needs the one before it

            def is_idle() -> bool:
                command = [found["sinfo"], "--noheader", "--format=%t"]
                done = subprocess.run(command, env=env, capture_output=True, text=True)
                return done.stdout.strip() == "idle"

            wait_until(is_idle, process, log)
            yield {"SLURM_CONF": str(config)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configuration(folder: Path) -> str:
    name = socket.gethostname().split(".")[0]
    cores = os.cpu_count()
    return f"""
ClusterName=test
SlurmctldHost={name}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder / "munge.socket"}
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
StateSaveLocation={folder / "state"}
SlurmdSpoolDir={folder / "spool"}
SlurmctldPidFile={folder / "slurmctld.pid"}
SlurmdPidFile={folder / "slurmd.pid"}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
NodeName={name} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
