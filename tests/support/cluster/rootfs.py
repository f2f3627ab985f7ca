"""What the images of the tests are made of: a small Debian, our libraries, our own code."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from support.cluster.binaries import CACHE
from support.cluster.layers import Layer, cached_layer, make_layer, unpack
from support.repository import ROOT

ENVIRONMENT = "/opt/llmtrain/venv"
HOME = "/home/llmtrain"
USER = 1000
_SUITE = "bookworm"
# KubeRay's probes of a Ray node call wget; the operator's memory is jemalloc's.
_PACKAGES = ("libjemalloc2", "python3", "wget")
_PACKAGES_SITE = "lib/python3.11/site-packages"
_UNWANTED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt")
_ACCOUNT = f"llmtrain:x:{USER}:{USER}::{HOME}:/bin/bash\n"
_GROUP = f"llmtrain:x:{USER}:\n"
# Run as root of a new mount namespace, which takes the mounts away again.
_INSTALL = """
cd "$1"
mkdir -p run/uv-cache run/inputs
mount --bind "$UV_CACHE_DIR" run/uv-cache
mount --bind "$2" run/inputs
for name in ssl/certs resolv.conf; do
  [ -d "/etc/$name" ] && mkdir -p "etc/$name" || touch "etc/$name"
  mount --bind "/etc/$name" "etc/$name"
done
mount -t proc proc proc
export UV_CACHE_DIR=/run/uv-cache UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
chroot . /run/inputs/uv venv --quiet --python /usr/bin/python3 "$3"
chroot . /run/inputs/uv pip sync --quiet --require-hashes --python "$3/bin/python" \
  /run/inputs/requirements.lock
"""


def system_layer() -> Layer:
    """Debian with a Python, and the user that containers run as."""
    return cached_layer("system", repr((_SUITE, _PACKAGES, _UNWANTED, _ACCOUNT)), _fill_system)


def libraries_layer() -> Layer:
    """All that requirements.lock lists, in a virtual environment."""
    lock = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    inputs = repr((lock, system_layer().digest, ENVIRONMENT))
    return cached_layer("libraries", inputs, _fill_libraries)


def project_layer(folder: Path) -> Layer:
    """This project's own packages, as they are installed from its wheel.

    Args:
        folder: where the layer goes; it takes seconds, so it is not kept.
    """
    with tempfile.TemporaryDirectory() as work:
        built, root = Path(work, "built"), Path(work, "root")
        subprocess.run([_uv(), "build", "--quiet", "--wheel", "-o", built, ROOT], check=True)
        (wheel,) = built.glob("*.whl")
        target = root / ENVIRONMENT.lstrip("/") / _PACKAGES_SITE
        target.mkdir(parents=True)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
        return make_layer(root, folder / "project.tar")


def _fill_system(root: Path) -> None:
    _say("Installing a small Debian for the images of the tests: minutes, once.")
    bootstrap = ["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
    # In a mount namespace, as it mounts and may be interrupted.
    _quietly(["unshare", "--mount", *bootstrap, _SUITE, str(root)], root.parent / "debootstrap.log")
    for name in _UNWANTED:
        shutil.rmtree(root / name)
    with (root / "etc/passwd").open("a") as accounts, (root / "etc/group").open("a") as groups:
        accounts.write(_ACCOUNT)
        groups.write(_GROUP)
    home = root / HOME.lstrip("/")
    home.mkdir()
    os.chown(home, USER, USER)


def _fill_libraries(root: Path) -> None:
    _say("Installing the libraries for the images of the tests: minutes, once.")
    system, inputs = root.parent / "system", root.parent / "inputs"
    system.mkdir()
    inputs.mkdir()
    unpack(system_layer(), system)
    shutil.copy(_uv(), inputs / "uv")
    shutil.copy(ROOT / "requirements.lock", inputs)
    install = ["sh", "-eu", "-c", _INSTALL, "install", str(system), str(inputs), ENVIRONMENT]
    _quietly(["nice", "unshare", "--mount", *install], root.parent / "install.log")
    environment = root / ENVIRONMENT.lstrip("/")
    environment.parent.mkdir(parents=True)
    (system / ENVIRONMENT.lstrip("/")).rename(environment)


def _uv() -> Path:
    (uv,) = CACHE.glob("uv-*/bin/uv")
    return uv


def _quietly(command: list[str], log: Path) -> None:
    """Run a command; what it says is shown only if it fails."""
    variables = {**os.environ, "UV_CACHE_DIR": str(CACHE / "uv")}
    with log.open("wb") as output:
        run = subprocess.run(command, check=False, stdout=output, stderr=output, env=variables)
    if run.returncode:
        raise RuntimeError(f"{command} failed:\n{log.read_text(errors='replace')[-4000:]}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
