"""The certificate that the SMTP door shows. Sending servers encrypt to any and believe none, so one
of our own making, new at each start, serves where nobody has given a better one."""

import datetime
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TEN_YEARS = datetime.timedelta(days=3650)


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """For STARTTLS, TLS 1.2 or newer. Raises OSError or ssl.SSLError if the files are unfit."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def self_made_context(hostname: str) -> ssl.SSLContext:
    private = ec.generate_private_key(ec.SECP256R1())
    with tempfile.TemporaryDirectory() as folder:  # mode 0700; only files can be loaded
        chain = Path(folder) / "smtp.pem"
        chain.write_bytes(_pem_of(private) + _certificate(private, hostname))
        return server_context(chain, None)


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
