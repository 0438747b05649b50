"""Keep a document and give it back."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.documents.models import KeptDocument
from shared import clock, sealing
from shared.contracts import ContentRef
from shared.errors import NotFound
from shared.ids import new_id
from shared.keyring import keys_of


async def keep(
    session: AsyncSession, owner: UUID, kind: str, content: bytes, media_type: str
) -> ContentRef:
    """Sealed under the owner's key, which must be held."""
    key, content_id = keys_of(session).key(owner), new_id()
    commitment, boxes = sealing.seal_chunks(key, content_id, kind, content)
    session.add(
        KeptDocument(
            content_id=content_id,
            owner=owner,
            key_version=key.version,
            kind=kind,
            media_type=media_type,
            size=len(content),
            commitment=commitment,
            boxes=boxes,
            kept_at=clock.now(),
        )
    )
    await session.flush()
    return ContentRef(content_id=content_id, size=len(content), commitment=commitment)


async def content_of(session: AsyncSession, content_id: UUID) -> tuple[bytes, str]:
    """(bytes, media type), exactly as kept."""
    row = await session.get(KeptDocument, content_id)
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    key = keys_of(session).key(row.owner, row.key_version)
    opened = sealing.unseal_chunks(key, row.content_id, row.kind, row.boxes, row.commitment)
    return opened, row.media_type
