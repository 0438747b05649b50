"""UTBMS codes as data: litigation tasks, activities and expenses by name, other sets by their
shape.

A code is chosen by a person. One may be proposed from what is on the record; none is ever filled
in.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

TASKS = {
    "L110": "Fact investigation", "L120": "Analysis and strategy", "L130": "Experts, consultants",
    "L140": "Document and file management", "L150": "Budgeting", "L160": "Settlement, ADR",
    "L190": "Other case assessment", "L210": "Pleadings", "L220": "Preliminary injunctions",
    "L230": "Court mandated conferences", "L240": "Dispositive motions",
    "L250": "Other written motions", "L260": "Class action certification",
    "L310": "Written discovery", "L320": "Document production", "L330": "Depositions",
    "L340": "Expert discovery", "L350": "Discovery motions", "L390": "Other discovery",
    "L410": "Fact witnesses", "L420": "Expert witnesses", "L430": "Written motions at trial",
    "L440": "Other trial preparation", "L450": "Trial and hearing attendance",
    "L460": "Post-trial motions", "L470": "Enforcement", "L510": "Appellate proceedings",
    "L520": "Appellate briefs", "L530": "Oral argument",
}  # fmt: skip
ACTIVITIES = {
    "A101": "Plan and prepare for", "A102": "Research", "A103": "Draft, revise",
    "A104": "Review, analyse", "A105": "Communicate in firm", "A106": "Communicate with client",
    "A107": "Communicate with other outside counsel", "A108": "Communicate with others outside",
    "A109": "Appear for, attend", "A110": "Manage data, files", "A111": "Other",
}  # fmt: skip
EXPENSES = {
    "E101": "Copying", "E102": "Outside printing", "E103": "Word processing", "E104": "Facsimile",
    "E105": "Telephone", "E106": "Online research", "E107": "Delivery services", "E108": "Postage",
    "E109": "Local travel", "E110": "Out-of-town travel", "E111": "Meals", "E112": "Court fees",
    "E113": "Subpoena fees", "E114": "Witness fees", "E115": "Deposition transcripts",
    "E116": "Trial transcripts", "E117": "Trial exhibits", "E118": "Litigation support vendors",
    "E119": "Experts", "E120": "Private investigators", "E121": "Arbitrators, mediators",
    "E122": "Local counsel", "E123": "Other professionals", "E124": "Other",
}  # fmt: skip

# eDiscovery, bankruptcy, counselling, project, patent and trademark sets have their own lists.
_OTHER_TASK = re.compile(r"(L6[0-9]0|[BC][1-4][0-9]0|P[1-8][0-9]0|PA[0-9]{3}|TR[0-9]{3})")


def is_task(code: str) -> bool:
    return code in TASKS or _OTHER_TASK.fullmatch(code) is not None


def _task(code: str) -> str:
    if not is_task(code):
        raise ValueError("not a UTBMS task code; write one such as L120")
    return code


def _activity(code: str) -> str:
    if code not in ACTIVITIES:
        raise ValueError("not a UTBMS activity code: A101 to A111")
    return code


def _expense(code: str) -> str:
    if code not in EXPENSES:
        raise ValueError("not a UTBMS expense code: E101 to E124")
    return code


_Code = Annotated[str, StringConstraints(max_length=5)]
TaskCode = Annotated[_Code, AfterValidator(_task)]
ActivityCode = Annotated[_Code, AfterValidator(_activity)]
ExpenseCode = Annotated[_Code, AfterValidator(_expense)]
