"""
A day of two people with matrix-nio, its real cryptography included: each step is checked by what the other one sees.
Says `done` at its end.

usage: SERVER_URL=... STORE=(an empty folder) nio_day.py
"""

import asyncio
import io
import os
import struct
import zlib
from urllib.parse import quote

import nio
from nio.api import RelationshipType

PATIENCE_S = 10
URL = os.environ["SERVER_URL"]


def good(response, kind):
    """The response, if it is of that kind; else what the server said."""
    assert isinstance(response, kind), f"{kind.__name__} expected, but: {response}"
    return response


def picture(side=64):
    """A square of one colour, as PNG."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = (b"\0" + b"\xff\x80\x00" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


class Person:
    def __init__(self, name, device):
        store = os.path.join(os.environ["STORE"], device)
        os.makedirs(store)
        config = nio.AsyncClientConfig(store_sync_tokens=True, encryption_enabled=True)
        self.password = f"{name}'s password"
        self.client = nio.AsyncClient(URL, name, device, store_path=store, config=config)
        self.seen = []
        for kind in (nio.Event, nio.EphemeralEvent, nio.InviteEvent):
            add = (
                self.client.add_ephemeral_callback
                if kind is nio.EphemeralEvent
                else self.client.add_event_callback
            )
            add(self._note, kind)
        self.client.add_presence_callback(self._note_presence, nio.PresenceEvent)

    async def _note(self, room, event):
        self.seen.append((room.room_id, event))

    async def _note_presence(self, event):
        self.seen.append((None, event))

    async def log_in(self):
        good(await self.client.login(self.password, device_name="the day"), nio.LoginResponse)
        await self.tidy()

    async def tidy(self):
        """What nio does between syncs."""
        client = self.client
        if client.should_upload_keys:
            good(await client.keys_upload(), nio.KeysUploadResponse)
        if client.should_query_keys:
            good(await client.keys_query(), nio.KeysQueryResponse)
        if client.should_claim_keys:
            good(await client.keys_claim(client.get_users_for_key_claiming()), nio.KeysClaimResponse)
        await client.send_to_device_messages()

    async def sync(self, timeout=0):
        good(await self.client.sync(timeout=timeout), nio.SyncResponse)
        await self.tidy()

    async def sees(self, wanted):
        """Syncs until something is seen. Returns it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for _, event in self.seen:
                    if wanted(event):
                        return event
                await self.sync(timeout=5000)

    async def says(self, room, content, kind="m.room.message"):
        response = await self.client.room_send(room, kind, content, ignore_unverified_devices=True)
        return good(response, nio.RoomSendResponse).event_id


def text(body, **more):
    return {"msgtype": "m.text", "body": body, **more}


async def accounts():
    for name in ("ann", "ben"):
        visitor = nio.AsyncClient(URL)
        good(await visitor.register(name, f"{name}'s password"), nio.RegisterResponse)
        await visitor.logout()
        await visitor.close()
    ann, ben = Person("ann", "ANN"), Person("ben", "BEN")
    wrong = await ann.client.login("not the password")
    assert good(wrong, nio.LoginError).status_code == "M_FORBIDDEN"
    assert "m.login.password" in good(await ann.client.login_info(), nio.LoginInfoResponse).flows
    await ann.log_in()
    await ben.log_in()
    me = good(await ann.client.whoami(), nio.WhoamiResponse)
    assert (me.user_id, me.device_id) == ("@ann:hs1", "ANN"), me
    return ann, ben


async def profiles(ann, ben, avatar):
    good(await ann.client.set_displayname("Ann"), nio.ProfileSetDisplayNameResponse)
    good(await ann.client.set_avatar(avatar), nio.ProfileSetAvatarResponse)
    profile = good(await ben.client.get_profile("@ann:hs1"), nio.ProfileGetResponse)
    assert (profile.displayname, profile.avatar_url) == ("Ann", avatar), profile


async def rooms(ann, ben):
    made = await ann.client.room_create(
        name="Kitchen",
        topic="Tea",
        alias="kitchen",
        invite=["@ben:hs1"],
        preset=nio.RoomPreset.private_chat,
    )
    room = good(made, nio.RoomCreateResponse).room_id
    await ben.sees(lambda event: isinstance(event, nio.InviteMemberEvent))
    assert ben.client.invited_rooms[room].inviter == "@ann:hs1"
    good(await ben.client.join("#kitchen:hs1"), nio.JoinResponse)
    await ben.sync()
    assert ben.client.rooms[room].display_name == "Kitchen"
    assert good(await ben.client.joined_rooms(), nio.JoinedRoomsResponse).rooms == [room]
    members = good(await ben.client.joined_members(room), nio.JoinedMembersResponse)
    assert sorted(member.user_id for member in members.members) == ["@ann:hs1", "@ben:hs1"]
    found = good(await ben.client.room_resolve_alias("#kitchen:hs1"), nio.RoomResolveAliasResponse)
    assert found.room_id == room
    state = good(await ben.client.room_get_state_event(room, "m.room.topic"), nio.RoomGetStateEventResponse)
    assert state.content["topic"] == "Tea", state.content
    return room


async def chat(ann, ben, room):
    await ann.sync()
    first = await ann.says(room, text("hello"))
    await ben.sees(lambda event: isinstance(event, nio.RoomMessageText) and event.event_id == first)
    edit = text(
        "* hallo",
        **{
            "m.new_content": text("hallo"),
            "m.relates_to": {"rel_type": "m.replace", "event_id": first},
        },
    )
    await ann.says(room, edit)
    edited = await ben.sees(lambda event: getattr(event, "body", "") == "* hallo")
    assert edited.source["content"]["m.relates_to"]["event_id"] == first
    relation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": first, "key": "👍"}}
    reaction = await ben.says(room, relation, kind="m.reaction")
    seen = await ann.sees(lambda event: isinstance(event, nio.ReactionEvent))
    assert (seen.key, seen.reacts_to) == ("👍", first)
    related = ann.client.room_get_event_relations(room, first, RelationshipType.annotation)
    assert [event.event_id async for event in related] == [reaction]

    good(await ben.client.room_typing(room, True, 5000), nio.RoomTypingResponse)
    await ann.sees(lambda event: isinstance(event, nio.TypingNoticeEvent) and event.users == ["@ben:hs1"])
    good(await ben.client.update_receipt_marker(room, first), nio.UpdateReceiptMarkerResponse)
    good(await ben.client.room_read_markers(room, first, first), nio.RoomReadMarkersResponse)
    receipt = await ann.sees(lambda event: isinstance(event, nio.ReceiptEvent))
    assert any((one.user_id, one.event_id) == ("@ben:hs1", first) for one in receipt.receipts), receipt

    taken_back = await ann.says(room, text("never mind"))
    await ben.sees(lambda event: getattr(event, "body", "") == "never mind")
    good(await ann.client.room_redact(room, taken_back, reason="no"), nio.RoomRedactResponse)
    redaction = await ben.sees(lambda event: isinstance(event, nio.RedactionEvent))
    assert (redaction.redacts, redaction.reason) == (taken_back, "no")
    gone = good(await ben.client.room_get_event(room, taken_back), nio.RoomGetEventResponse)
    assert isinstance(gone.event, nio.RedactedEvent), gone.event

    back = good(
        await ben.client.room_messages(room, ben.client.next_batch, limit=100), nio.RoomMessagesResponse
    )
    bodies = [event.body for event in back.chunk if isinstance(event, nio.RoomMessageText)]
    assert bodies == ["* hallo", "hello"], bodies
    around = good(await ben.client.room_context(room, first), nio.RoomContextResponse)
    assert around.event.event_id == first


async def media(ann, ben, room):
    data = picture()
    uploaded, _ = await ann.client.upload(
        lambda *_: io.BytesIO(data), content_type="image/png", filename="tea.png", filesize=len(data)
    )
    uri = good(uploaded, nio.UploadResponse).content_uri
    content = {"msgtype": "m.image", "body": "tea.png", "url": uri, "info": {"mimetype": "image/png"}}
    await ann.says(room, content)
    shown = await ben.sees(lambda event: isinstance(event, nio.RoomMessageImage))
    got = good(await ben.client.download(shown.url), nio.MemoryDownloadResponse)
    assert (got.body, got.content_type) == (data, "image/png")
    server, media_id = uri.removeprefix("mxc://").split("/")
    small = good(await ben.client.thumbnail(server, media_id, 32, 32), nio.ThumbnailResponse)
    assert small.content_type.startswith("image/") and len(small.body) > 0
    limit = good(await ben.client.content_repository_config(), nio.ContentRepositoryConfigResponse)
    assert limit.upload_size > len(data)
    return uri


async def secrets(ann, ben):
    made = await ann.client.room_create(
        invite=["@ben:hs1"],
        is_direct=True,
        initial_state=[nio.EnableEncryptionBuilder().as_dict()],
    )
    room = good(made, nio.RoomCreateResponse).room_id
    await ben.sees(lambda event: isinstance(event, nio.InviteMemberEvent))
    good(await ben.client.join(room), nio.JoinResponse)
    await ben.sync()
    await ann.sees(
        lambda event: isinstance(event, nio.RoomMemberEvent)
        and (event.state_key, event.membership) == ("@ben:hs1", "join")
        and room in ann.client.rooms
        and "@ben:hs1" in ann.client.rooms[room].users
    )
    assert ann.client.rooms[room].encrypted and ben.client.rooms[room].encrypted
    secret = await ann.says(room, text("in confidence"))
    read = await ben.sees(lambda event: getattr(event, "event_id", "") == secret)
    assert isinstance(read, nio.RoomMessageText) and read.body == "in confidence" and read.decrypted, read
    path = f"/_matrix/client/v3/rooms/{quote(room)}/event/{quote(secret)}"
    token = {"Authorization": f"Bearer {ben.client.access_token}"}
    stored = await (await ben.client.send("GET", path, headers=token)).text()
    assert "m.room.encrypted" in stored and "in confidence" not in stored, stored
    answer = await ben.says(room, text("likewise"))
    heard = await ann.sees(lambda event: getattr(event, "event_id", "") == answer)
    assert heard.body == "likewise" and heard.decrypted
    good(await ben.client.room_leave(room), nio.RoomLeaveResponse)
    good(await ben.client.room_forget(room), nio.RoomForgetResponse)


async def rest(ann, ben):
    good(await ann.client.set_presence("unavailable", "at tea"), nio.PresenceSetResponse)
    told = await ben.sees(lambda event: isinstance(event, nio.PresenceEvent) and event.status_msg == "at tea")
    assert (told.user_id, told.presence) == ("@ann:hs1", "unavailable")
    of = good(await ben.client.get_presence("@ann:hs1"), nio.PresenceGetResponse)
    assert of.status_msg == "at tea"

    only = {"room": {"timeline": {"types": ["m.reaction"]}}}
    uploaded = good(await ann.client.upload_filter(**only), nio.UploadFilterResponse)
    filtered = good(
        await ann.client.sync(sync_filter=uploaded.filter_id, full_state=True, since=""), nio.SyncResponse
    )
    kinds = {
        event.source["type"]
        for joined in filtered.rooms.join.values()
        for event in joined.timeline.events
    }
    assert kinds <= {"m.reaction"}, kinds

    other = Person("ann", "SECOND")
    await other.log_in()
    update = {"display_name": "a second one"}
    good(await ann.client.update_device("SECOND", update), nio.UpdateDeviceResponse)
    devices = good(await ann.client.devices(), nio.DevicesResponse).devices
    assert {device.id: device.display_name for device in devices}["SECOND"] == "a second one"
    asked = good(await ann.client.delete_devices(["SECOND"]), nio.DeleteDevicesAuthResponse)
    proof = {
        "type": "m.login.password",
        "session": asked.session,
        "identifier": {"type": "m.id.user", "user": "ann"},
        "password": ann.password,
    }
    good(await ann.client.delete_devices(["SECOND"], proof), nio.DeleteDevicesResponse)
    assert good(await other.client.whoami(), nio.WhoamiError).status_code == "M_UNKNOWN_TOKEN"
    await other.client.close()


async def main():
    ann, ben = await accounts()
    room = await rooms(ann, ben)
    await chat(ann, ben, room)
    avatar = await media(ann, ben, room)
    await profiles(ann, ben, avatar)
    await secrets(ann, ben)
    await rest(ann, ben)
    for person in (ann, ben):
        good(await person.client.logout(), nio.LogoutResponse)
    # What it holds is over, and nio has put its token away.
    assert ann.client.access_token == ""
    for person in (ann, ben):
        await person.client.close()
    print("done", flush=True)


asyncio.run(main())
