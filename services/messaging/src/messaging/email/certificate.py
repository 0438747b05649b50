"""The certificate that the SMTP door shows. Sending servers encrypt to any; none has to believe it,
so one of our own making serves where nobody has given a better one."""

import datetime
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TEN_YEARS = datetime.timedelta(days=3650)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """For STARTTLS, TLS 1.2 or newer. Raises OSError or ssl.SSLError if the files are unfit."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def self_made(directory: Path, hostname: str) -> tuple[Path, Path]:
    """Certificate and key in `directory`, made at the first call; the key has mode 0600."""
    certificate, key = directory / "smtp.crt", directory / "smtp.key"
    if not certificate.exists():
        private = ec.generate_private_key(ec.SECP256R1())
        _write(key, _pem_of(private))
        # If we die here the certificate is missing, and the next start makes both anew.
        _write(certificate, _certificate(private, hostname))
    return certificate, key


def _certificate(private: ec.EllipticCurvePrivateKey, hostname: str) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname)])
    # The certificate's time is real time: no clock of the firm's promises depends on it.
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + _TEN_YEARS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .sign(private, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def _pem_of(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
