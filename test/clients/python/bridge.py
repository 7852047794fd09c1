"""
A bridge on mautrix, as real ones are built: makes its users, takes transactions, answers what it is asked.

A network of echoes: whoever writes to a room in which an echo is gets the text back from it, in capitals and with the
time of the question. Users and rooms of its namespace are made when somebody looks for them. Prints a line of JSON
for what it does and hears, and ends when somebody says "good night".

usage: SERVER_URL=... SERVER_NAME=... LISTEN_PORT=... STATE_FILE=... bridge.py
"""

import asyncio
import json
import logging
import os

from mautrix.appservice import AppService
from mautrix.appservice.state_store import FileASStateStore
from mautrix.types import (
    EventType,
    Membership,
    MessageType,
    RoomCreatePreset,
    TextMessageEventContent,
)

PATIENCE_S = 25
logging.basicConfig(level=logging.WARNING)


def tell(**what):
    print(json.dumps(what), flush=True)


async def main():
    over = asyncio.Event()
    service = AppService(
        server=os.environ["SERVER_URL"],
        domain=os.environ["SERVER_NAME"],
        as_token="as token of echo",
        hs_token="hs token of echo",
        bot_localpart="echobot",
        id="echo",
        state_store=FileASStateStore(path=os.environ["STATE_FILE"], binary=False),
        ephemeral_events=True,
    )
    where = {}

    async def query_user(user_id):
        await service.intent.user(user_id).ensure_registered()
        await service.intent.user(user_id).set_displayname("Echo")
        tell(made=user_id)
        return {"displayname": "Echo"}

    async def query_alias(alias):
        local = alias[1:].split(":")[0]
        await service.intent.create_room(
            alias_localpart=local, preset=RoomCreatePreset.PUBLIC, name=local
        )
        tell(made=alias)
        return {"name": local}

    service.query_user = query_user
    service.query_alias = query_alias

    @service.matrix_event_handler
    async def handle(event):
        if event.type == EventType.ROOM_MEMBER:
            prev = event.unsigned.prev_content if event.unsigned else None
            before = str(prev.membership) if prev and prev.membership else None
            tell(member=event.state_key, is_now=str(event.content.membership), was=before)
            if event.content.membership == Membership.INVITE:
                where[event.room_id] = service.intent.user(event.state_key)
                await where[event.room_id].join_room_by_id(event.room_id)
        elif event.type == EventType.TYPING:
            tell(typing=event.content.user_ids)
        elif event.type == EventType.RECEIPT:
            tell(read_by=[user for by in event.content.values() for users in by.values() for user in users])
        elif event.type == EventType.ROOM_MESSAGE and event.room_id in where:
            echo = where[event.room_id]
            if event.sender == echo.mxid:
                return
            if event.content.body == "good night":
                over.set()
                return
            answer = TextMessageEventContent(
                msgtype=MessageType.NOTICE, body=event.content.body.upper()
            )
            await echo.set_typing(event.room_id, timeout=1000)
            await echo.mark_read(event.room_id, event.event_id)
            await echo.send_message_event(
                event.room_id, EventType.ROOM_MESSAGE, answer, timestamp=event.timestamp
            )

    await service.start("127.0.0.1", int(os.environ["LISTEN_PORT"]))
    service.ready = True
    await service.intent.ensure_registered()
    tell(pinged=await service.intent.appservice_ping("echo", txn_id="first") != 0)
    await asyncio.wait_for(over.wait(), PATIENCE_S)
    await service.stop()


asyncio.run(main())
