"""What the write path is measured against: FastAPI and asyncpg, one INSERT of the same body."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from fastapi import FastAPI
from pydantic import BaseModel
from uuid_utils.compat import uuid7


class Words(BaseModel):
    subject: str
    body: str
    urgent: bool = False


class Accepted(BaseModel):
    id: UUID


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BARE_DATABASE_URL"], max_size=20) as pool:
        await pool.execute(
            "CREATE TABLE IF NOT EXISTS words"
            " (id uuid PRIMARY KEY, subject text, body text, urgent boolean)"
        )
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> None:
    return


@app.post("/words", status_code=201)
async def post_words(words: Words) -> Accepted:
    new = uuid7()
    await app.state.pool.execute(
        "INSERT INTO words VALUES ($1, $2, $3, $4)", new, words.subject, words.body, words.urgent
    )
    return Accepted(id=new)
