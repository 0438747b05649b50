"""What somebody told us who never became a client goes when its time has come: contact details,
notes, what they sent, what we wrote to them, offers that nobody signed. Names stay, because a
former prospect is a reason for a later conflict (Model Rule 1.18), and what was committed to in the
record stays as a row without octets."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock

_DUE = text("""
    SELECT consultation_id FROM consultations
    WHERE erased_at IS NULL AND erase_at <= :now AND NOT EXISTS (
        SELECT FROM engagements WHERE consultation_id = consultations.consultation_id
            AND state NOT IN ('declined', 'expired'))
    ORDER BY erase_at LIMIT 100 FOR UPDATE SKIP LOCKED
""")
# Whatever links lead to and files belong to.
_SUBJECTS = text("""
    SELECT unnest(CAST(:due AS uuid[])) AS subject_id
    UNION ALL SELECT request_id FROM information_requests WHERE consultation_id = ANY (:due)
    UNION ALL SELECT engagement_id FROM engagements WHERE consultation_id = ANY (:due)
    UNION ALL SELECT signer_id FROM signers JOIN engagements USING (engagement_id)
        WHERE consultation_id = ANY (:due)
""")
_LINKS = "SELECT link_id FROM links WHERE subject_id = ANY (:subjects)"
_FILES = "SELECT file_id FROM files WHERE subject_id = ANY (:subjects)"
_ERASE = tuple(
    text(statement)
    for statement in (
        f"DELETE FROM link_sessions WHERE link_id IN ({_LINKS})",
        f"DELETE FROM link_codes WHERE link_id IN ({_LINKS})",
        "DELETE FROM links WHERE subject_id = ANY (:subjects)",
        "DELETE FROM information_items WHERE request_id = ANY (:subjects)",
        "DELETE FROM information_requests WHERE request_id = ANY (:subjects)",
        "DELETE FROM signers WHERE engagement_id = ANY (:subjects)",
        "DELETE FROM engagements WHERE engagement_id = ANY (:subjects)",
        f"DELETE FROM file_chunks WHERE file_id IN ({_FILES})",
        "UPDATE files SET state = 'erased', name = NULL WHERE subject_id = ANY (:subjects)",
        """UPDATE consultations SET name = NULL, email = NULL, phone = NULL, place = NULL,
            note = NULL, reasons = NULL, erased_at = :now WHERE consultation_id = ANY (:due)""",
        """DELETE FROM disclosed_fees WHERE client_id IN (
            SELECT client_id FROM consultations GROUP BY client_id
            HAVING bool_or(consultation_id = ANY (:due)) AND bool_and(erased_at IS NOT NULL))""",
    )
)


async def erase_what_is_due(session: AsyncSession) -> None:
    """At most a hundred consultations; what is left is found by the next look."""
    now = clock.now()
    due = list((await session.execute(_DUE, {"now": now})).scalars())
    if not due:
        return
    subjects = list((await session.execute(_SUBJECTS, {"due": due})).scalars())
    given = {"due": due, "subjects": subjects, "now": now}
    for statement in _ERASE:
        named = {name: given[name] for name in statement.compile().params}
        await session.execute(statement, named)
