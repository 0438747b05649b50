"""The firm's seal: a PAdES signature over the document that everybody read and the evidence that
was added. What was read stays in front, octet for octet; the rest is appended."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asn1crypto import keys, pem
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

_TSA_SECONDS = 10


def seal_pdf(
    read: bytes, evidence: bytes, *, seal_file: Path, firm: str, tsa_url: str | None
) -> bytes:
    """Begins with exactly the bytes of `read`. Asks the timestamp authority, if there is one, over
    the network: call it in a thread and outside of any transaction. OSError when it fails."""
    writer = IncrementalPdfFileWriter(io.BytesIO(read))
    _append(writer, PdfFileReader(io.BytesIO(evidence)))
    meta = PdfSignatureMetadata(
        field_name="Seal",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        md_algorithm="sha256",
        name=firm,
        reason="Everybody signed; this is the agreement as it was read.",
    )
    stamper = HTTPTimeStamper(tsa_url, timeout=_TSA_SECONDS) if tsa_url else None
    signer = PdfSigner(meta, _signer(seal_file.read_bytes()), timestamper=stamper)
    sealed = io.BytesIO()
    signer.sign_pdf(writer, output=sealed)
    octets = sealed.getvalue()
    assert octets.startswith(read), "an incremental update only appends"
    return octets


def _signer(content: bytes) -> SimpleSigner:
    """The private key and its certificate, followed by those that vouch for it."""
    blocks = [(kind, octets) for kind, _, octets in pem.unarmor(content, multiple=True)]
    (key,) = [octets for kind, octets in blocks if kind == "PRIVATE KEY"]
    chain = [asn1_x509.Certificate.load(octets) for kind, octets in blocks if kind == "CERTIFICATE"]
    store = SimpleCertificateStore()
    for certificate in chain:
        store.register(certificate)
    return SimpleSigner(
        signing_cert=chain[0], signing_key=keys.PrivateKeyInfo.load(key), cert_registry=store
    )


def _append(writer: IncrementalPdfFileWriter, added: PdfFileReader) -> None:
    for page in _pages(added.root["/Pages"]):
        copied = DictionaryObject({pdf_name("/Type"): pdf_name("/Page")})
        for entry in ("/Contents", "/Resources", "/MediaBox"):
            copied[pdf_name(entry)] = writer.import_object(page.raw_get(entry))
        writer.insert_page(copied)


def _pages(node: Any) -> Iterator[DictionaryObject]:
    """The leaves of a tree of pages, in order."""
    kids = node.get("/Kids")
    if not isinstance(kids, ArrayObject):
        yield node
        return
    for kid in kids:
        yield from _pages(kid.get_object())
