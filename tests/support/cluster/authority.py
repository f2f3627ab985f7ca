"""Keys and certificates of one test cluster, made by openssl."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_DAYS = ("-days", "30")
_NOT_AN_AUTHORITY = ("-addext", "basicConstraints=critical,CA:FALSE")


class Authority:
    """A certificate authority with its files in a folder.

    Args:
        folder: an empty one, for keys and certificates.

    Attributes:
        certificate: PEM file that its certificates are trusted by.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "ca.crt"
        self._key = folder / "ca.key"
        issued = ("-keyout", self._key, "-out", self.certificate, "-subj", "/CN=test-authority")
        _openssl("req", "-x509", *_CURVE, *_DAYS, *issued)

    def issue(
        self, name: str, *, subject: str, addresses: Iterable[str] = (), names: Iterable[str] = ()
    ) -> tuple[Path, Path]:
        """Make a certificate, for a server or for a client.

        Args:
            name: name of its files.
            subject: whom it names: `/O=group/CN=user`.
            addresses: IP addresses that it is valid for.
            names: DNS names that it is valid for.

        Returns:
            The certificate and its key.
        """
        certificate, key = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        valid_for = [*(f"IP:{value}" for value in addresses), *(f"DNS:{value}" for value in names)]
        extension = ("-addext", f"subjectAltName={','.join(valid_for)}") if valid_for else ()
        signed_by = ("-CA", self.certificate, "-CAkey", self._key)
        files = ("-keyout", key, "-out", certificate, "-subj", subject)
        _openssl(
            "req", "-x509", *_CURVE, *_DAYS, *signed_by, *files, *extension, *_NOT_AN_AUTHORITY
        )
        return certificate, key

    def make_key(self, name: str) -> Path:
        """A private key without a certificate."""
        key = self._folder / f"{name}.key"
        _openssl("genrsa", "-out", key, "2048")
        return key


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
