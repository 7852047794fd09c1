"""
A chat on the terminal, with matrix-nio: logs in, joins a room, sends what is typed, prints what is said.

Ends with the input (Ctrl-D), and logs out. Settings: see README.md beside this folder.
"""

import asyncio
import os
import ssl
import sys

import nio


def good(answer):
    """nio gives errors back instead of raising them."""
    if isinstance(answer, nio.ErrorResponse):
        sys.exit(f"chat: {answer}")
    return answer


async def main():
    tls = ssl.create_default_context(cafile=os.environ.get("CA_FILE"))
    client = nio.AsyncClient(os.environ["SERVER_URL"], os.environ["CHAT_USER"], ssl=tls)
    with open(os.environ["CHAT_PASSWORD_FILE"], encoding="utf-8") as file:
        password = file.read().strip()
    try:
        good(await client.login(password, device_name="chat.py"))
        room_id = good(await client.join(os.environ["ROOM"])).room_id
        # What was said before is not printed: callbacks hear of what comes after this.
        good(await client.sync(timeout=0, full_state=True))
        client.add_event_callback(lambda room, event: show(room_id, room, event), nio.RoomMessageText)
        syncing = asyncio.create_task(client.sync_forever(timeout=30_000))
        print(f"in {room_id}", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            content = {"msgtype": "m.text", "body": line.rstrip("\n")}
            good(await client.room_send(room_id, "m.room.message", content))
        syncing.cancel()
        good(await client.logout())
    finally:
        await client.close()


async def show(room_id, room, event):
    if room.room_id == room_id:
        print(f"{event.sender}: {event.body}", flush=True)


asyncio.run(main())
