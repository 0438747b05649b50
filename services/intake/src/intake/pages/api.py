"""HTTP in, as forms and pages: each does what the call of the API of the same name does."""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

import intake.consultations.api as consultations
import intake.directory.queries as directory
import intake.engagements.signing as signing
import intake.information.api as information
import intake.links.api as links
from intake.consultations.api import STATEMENT, FormRoute, RequestByForm
from intake.documents.dates import day, minute
from intake.engagements.rules import fee_sections
from intake.files.api import OCTETS, FileBegun, FileKept, NewFile, Number
from intake.files.rules import in_words
from intake.links.api import Token
from intake.links.queries import CodeNeeded, opened
from intake.open_door import OPEN, OpenRoute
from intake.pages.rendering import HEADERS, FirmName, page, served
from intake.settings import IntakeSettings
from shared.contracts.intake import LinkPurpose
from shared.db import Transaction
from shared.errors import Invalid, Refusal

Model = TypeVar("Model", bound=BaseModel)
COOKIE = "link_session"
LEADS: dict[LinkPurpose, tuple[str, str]] = {
    "signature": ("An agreement for you", "We have prepared an agreement for you."),
    "copy": ("Your copy of the agreement", "Everybody has signed. This is your copy."),
    "information": ("What we need from you", "We need some documents and facts from you."),
    "reminder": ("What we need from you", "We still need some documents and facts from you."),
    "letter": ("A letter for you", "We have written you a letter. Please read it soon."),
}
SAID = {
    "code": "We have sent you a code. It may take a minute to arrive.",
    "item": "We have it. Thank you.",
    "question": "We have your question and will answer you. The agreement stays open meanwhile.",
}
WRONG = {
    "name": "Write your name on one line.",
    "also": "Write one name on each line.",
    "parties": "Write one name on each line.",
    "email": "This is not an email address.",
    "phone": "Write the number with its country, like +1 212 555 0147.",
    "practice_area": "Say in one or two words what it is about.",
    "understood": "Please tick that you understand.",
    "i_sign": "Tick that you sign.",
    "i_agree_to_electronic_business": "Tick that you agree to do this electronically.",
    "code": "The code has eight digits.",
    "question": "Write your question.",
    "text": "Write your answer, or choose a file.",
}
_FORM = ("name", "also", "email", "phone", "practice_area", "adverse", "related", "understood")


class PageRoute(OpenRoute):
    """A refusal is a page too, with the same status."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_and_show(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                response = page(
                    "problem.html",
                    status=refusal.status,
                    firm=await _firm(request),
                    title="This did not work",
                    problem=refusal.detail,
                    back=_page_of(request),
                )
                response.headers.update(refusal.headers)
                return response

        return handle_and_show


class Answered(BaseModel):
    model_config = ConfigDict(extra="forbid")
    item_id: UUID


class FormPageRoute(PageRoute, FormRoute):
    """Who finds no place is told on a page."""


form = APIRouter(prefix="/v1/pages", tags=["pages"], route_class=FormPageRoute)
router = APIRouter(prefix="/v1/pages", tags=["pages"], route_class=PageRoute)
parts = APIRouter(prefix="/v1/pages", tags=["pages"], route_class=OpenRoute)
HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}


@router.get("/style.css", response_class=Response, openapi_extra=OPEN)
async def get_style() -> Response:
    return _served("style.css", "text/css")


@router.get("/upload.js", response_class=Response, openapi_extra=OPEN)
async def get_script() -> Response:
    return _served("upload.js", "text/javascript")


@form.get("/consultation", response_class=Response, responses=HTML, openapi_extra=OPEN)
async def get_form(request: Request) -> Response:
    """The form with which a stranger asks for a consultation."""
    return await _form(request, {})


@form.post("/consultation", response_class=Response, responses=HTML, openapi_extra=OPEN)
async def post_form(request: Request, session: Transaction) -> Response:
    given = await _entered(request)
    try:
        asked = RequestByForm.model_validate(_asked(given))
    except ValidationError as error:
        return await _form(request, given, _in_words(error))
    taken = await consultations.post_request(asked, session, request)
    return page(
        "sent.html",
        firm=await directory.firm_name(session),
        title="Thank you",
        reference=taken.id,
        statement=taken.statement,
    )


@router.get("/{token}", response_class=Response, responses=HTML, openapi_extra=OPEN)
async def get_page(
    token: Token, request: Request, session: Transaction, said: str | None = None
) -> Response:
    """What a link leads to; before a code was entered, only that there is something."""
    shown = await links.get_link(token, session)
    title, lead = LEADS[shown.purpose]
    given: dict[str, Any] = {"firm": shown.firm, "title": title, "lead": lead, "token": token}
    given["news"] = SAID.get(said or "", "")
    if not await _is_open(request, session, token):
        until = minute(shown.expires_at, await directory.time_zone(session))
        return page("closed.html", link=shown, until=until, **given)
    if shown.purpose in ("information", "reminder"):
        asked = await information.get_information(token, session, request, _secret(request))
        zone = await directory.time_zone(session)
        return page(
            "information.html",
            scripts=True,
            items=[(one, day(one.due_at, zone)) for one in asked.items],
            due=day(asked.due_at, zone),
            largest=in_words(_settings(request).intake_upload_size),
            **given,
        )
    if shown.purpose != "signature":
        return page("document.html", **given)
    it = await signing.get_agreement(token, session, request, _secret(request))
    fees = fee_sections(it.terms.fees.explanation)
    return page("agreement.html", it=it, fees=fees, **given | {"title": it.terms.title})


@router.post("/{token}/code", response_class=Response, openapi_extra=OPEN)
async def post_code(token: Token, request: Request, session: Transaction) -> Response:
    await links.post_code(token, session, request)
    return _back(token, "code")


@router.post("/{token}/session", response_class=Response, openapi_extra=OPEN)
async def post_session(token: Token, request: Request) -> Response:
    """The session is kept in a cookie of this page alone."""
    entered = _checked(links.CodeEntered, await _entered(request))
    begun = await links.post_session(token, entered, request)
    response = _back(token)
    response.set_cookie(
        COOKIE,
        begun.session,
        path=f"/v1/pages/{token}",
        httponly=True,
        samesite="strict",
        secure=_settings(request).intake_public_url.startswith("https:"),
    )
    return response


@router.get(
    "/{token}/document",
    response_class=Response,
    openapi_extra=OPEN,
    responses={200: {"content": {"application/pdf": {}}}},
)
async def get_document(token: Token, request: Request, session: Transaction) -> Response:
    response = await signing.get_document(token, session, request, _secret(request))
    response.headers.update(HEADERS)
    return response


@router.post("/{token}/sign", response_class=Response, openapi_extra=OPEN)
async def post_sign(token: Token, request: Request, session: Transaction) -> Response:
    entered = _checked(signing.Signing, await _entered(request))
    await signing.post_sign(token, entered, session, request, _secret(request))
    return _back(token)


@router.post("/{token}/decline", response_class=Response, openapi_extra=OPEN)
async def post_decline(token: Token, request: Request, session: Transaction) -> Response:
    reasons = (await _entered(request)).get("reasons", "").strip()
    entered = _checked(signing.Declining, {"reasons": reasons or None})
    await signing.post_decline(token, entered, session, request, _secret(request))
    title, _ = LEADS["signature"]
    firm = await directory.firm_name(session)
    news = "You have declined. Nothing was signed, and nobody else can sign this any more."
    return page("page.html", firm=firm, title=title, news=news)


@router.post("/{token}/questions", response_class=Response, openapi_extra=OPEN)
async def post_question(token: Token, request: Request, session: Transaction) -> Response:
    entered = _checked(signing.Question, await _entered(request))
    await signing.post_question(token, entered, session, request, _secret(request))
    return _back(token, "question")


@router.post("/{token}/items/{item_id}", response_class=Response, openapi_extra=OPEN)
async def post_item(
    token: Token, item_id: UUID, request: Request, session: Transaction
) -> Response:
    """Words, or a file that fits into one request; larger ones come in parts by the API."""
    name, content, text = await _file_or_words(request)
    if content:
        await information.answer_at_once(
            token, item_id, name, content, session, request, _secret(request)
        )
    else:
        answer = _checked(information.Answer, {"text": text})
        await information.post_answer(token, item_id, answer, session, request, _secret(request))
    return _back(token, "item")


@parts.post("/{token}/files", status_code=201, openapi_extra=OPEN)
async def post_file(
    token: Token, body: NewFile, session: Transaction, request: Request
) -> FileBegun:
    """The page's own script sends what is larger than a form carries."""
    return await information.post_file(token, body, session, request, _secret(request))


@parts.put("/{token}/files/{file_id}/parts/{number}", status_code=204, openapi_extra=OPEN | OCTETS)
async def put_part(
    token: Token, file_id: UUID, number: Number, session: Transaction, request: Request
) -> Response:
    return await information.put_part(token, file_id, number, session, request, _secret(request))


@parts.post("/{token}/files/{file_id}/complete", openapi_extra=OPEN)
async def post_complete(
    token: Token, file_id: UUID, session: Transaction, request: Request
) -> FileKept:
    return await information.post_complete(token, file_id, session, request, _secret(request))


@parts.post("/{token}/files/{file_id}/answer", status_code=204, openapi_extra=OPEN)
async def post_file_answer(
    token: Token, file_id: UUID, body: Answered, session: Transaction, request: Request
) -> None:
    """The file answers this item."""
    answer = information.Answer(file_id=file_id)
    await information.post_answer(token, body.item_id, answer, session, request, _secret(request))


def _served(name: str, media_type: str) -> Response:
    headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(served(name), media_type=media_type, headers=headers)


def _back(token: str, said: str | None = None) -> RedirectResponse:
    """To the page itself, so that reloading it does nothing again."""
    query = f"?said={said}" if said else ""
    return RedirectResponse(f"/v1/pages/{token}{query}", 303, headers=HEADERS)


async def _form(request: Request, given: Mapping[str, str], problem: str | None = None) -> Response:
    return page(
        "form.html",
        status=422 if problem else 200,
        firm=await _firm(request),
        title="Ask for a consultation",
        statement=STATEMENT,
        problem=problem,
        given={name: given.get(name, "") for name in _FORM},
    )


async def _file_or_words(request: Request) -> tuple[str, bytes, str]:
    """The name and octets of a file, and words. It stays in memory, which the limit of a body
    bounds: nothing of a client's lies on a disk unsealed, not for a moment."""
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=2)
    parser.spool_max_size = _settings(request).max_body_bytes
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise Invalid("Send the form of the page itself.") from error
    sent, text = form.get("file"), str(form.get("text", "")).strip()
    content = await sent.read() if isinstance(sent, UploadFile) else b""
    name = sent.filename if isinstance(sent, UploadFile) and sent.filename else "file"
    await form.close()
    return name, content, text


async def _entered(request: Request) -> dict[str, str]:
    """The fields of a form; files are not taken here."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _asked(given: Mapping[str, str]) -> dict[str, Any]:
    """The form as the API takes it: one name a line, the area as a slug."""

    def lines(field: str) -> list[str]:
        return [one.strip() for one in given.get(field, "").splitlines() if one.strip()]

    area = re.sub(r"[^a-z0-9]+", "-", given.get("practice_area", "").lower()).strip("-")
    others = [
        {"role": role, "name": name} for role in ("adverse", "related") for name in lines(role)
    ]
    return {
        "name": given.get("name", ""),
        "also": lines("also"),
        "email": given.get("email", ""),
        "phone": given.get("phone", "").strip() or None,
        "practice_area": area,
        "parties": others,
        "understood": given.get("understood") == "true",
    }


def _checked(model: type[Model], given: Mapping[str, Any]) -> Model:
    ticked = {name: True if value == "true" else value for name, value in given.items()}
    try:
        return model.model_validate(ticked)
    except ValidationError as error:
        raise Invalid(_in_words(error)) from error


def _in_words(error: ValidationError) -> str:
    """For people, and without repeating what was entered."""
    fields = dict.fromkeys(str(one["loc"][0]) for one in error.errors())
    told = [WRONG.get(field, f"“{field}” cannot be taken as it is.") for field in fields]
    return "Please look again: " + " ".join(told[:5])


async def _is_open(request: Request, session: Transaction, token: str) -> bool:
    try:
        await opened(session, token, _secret(request))
    except CodeNeeded:
        return False
    return True


def _secret(request: Request) -> str | None:
    return request.cookies.get(COOKIE)


async def _firm(request: Request) -> str:
    name: FirmName = request.app.state.firm
    return await name.read(request.state.runtime.db)


def _page_of(request: Request) -> str:
    """The page that a form was sent from."""
    return "/".join(request.url.path.split("/")[:4])


def _settings(request: Request) -> IntakeSettings:
    settings = request.state.runtime.settings
    assert isinstance(settings, IntakeSettings)
    return settings
