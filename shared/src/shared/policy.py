"""May this caller do this? A written table per service, and what is not in it is denied.

A table maps action → role → relation: "any" (the role is enough), "team" (works on the matter), or
"self" (is the client concerned). The service finds the relations; this module only decides.
"""

from collections.abc import Collection, Mapping
from typing import Literal

from shared.auth import CallerIdentity
from shared.errors import Forbidden, NotFound

Relation = Literal["any", "team", "self"]
PolicyTable = Mapping[str, Mapping[str, Relation]]


def permit(
    table: PolicyTable,
    caller: CallerIdentity,
    action: str,
    relations: Collection[Relation] | None = None,
) -> Relation:
    """The relation that the table asks of this role for this action.

    Raises Forbidden when the role has no line. When `relations` says how the caller stands to the
    thing, raises NotFound unless one of them is enough: foreign and missing are one answer.
    """
    needed = table[action].get(caller.role)
    if needed is None:
        raise Forbidden(f"The role {caller.role} may not do this: {action}.", action=action)
    if relations is not None and needed != "any" and needed not in relations:
        raise NotFound("There is nothing here that you may see.")
    return needed
