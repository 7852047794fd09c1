"""
Answers `!order 42` in a room of the cloud with what the shop knows of order 42.

It hears of messages from RabbitMQ and answers through the API, as a bot account. A message counts as taken when it
is answered: whatever fails ends the program, and RabbitMQ gives it the message again when it is back. So a message
may come twice. Which ones are done is kept in a database of the shop's own, and the answer goes under a transaction
id made of the event's id: the server takes it once, even if the program dies before it can note that.

Settings: see README.md beside this folder.
"""

import hashlib
import json
import os
import re
import signal
import sqlite3
import ssl
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

import pika

EXCHANGE = "imcloud.events"
WEEK_MS = 7 * 24 * 60 * 60 * 1000
# What was acknowledged so long ago does not come again.
KEPT_SECONDS = 30 * 24 * 60 * 60


class Refused(Exception):
    """The server will never take it: the bot is not in the room, for instance."""


def secret(name):
    with open(os.environ[name], encoding="utf-8") as file:
        return file.read().strip()


class Server:
    """The cloud's API, with the bot's token."""

    def __init__(self, tls):
        self.base = os.environ["SERVER_URL"].rstrip("/") + "/_matrix/client/v3"
        self.token = secret("BOT_TOKEN_FILE")
        self.tls = tls

    def call(self, method, path, body):
        request = urllib.request.Request(
            self.base + path,
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # A wrong token (401) is for the operator, and too many requests (429) will pass.
            if 400 <= error.code < 500 and error.code not in (401, 429):
                raise Refused(error.read().decode()) from None
            raise


class OrderBot:
    def __init__(self, server):
        self.server = server
        self.user = os.environ["BOT_USER"]
        with open(os.environ["ORDERS_FILE"], encoding="utf-8") as file:
            self.orders = json.load(file)
        self.done = sqlite3.connect(os.environ["DONE_FILE"])
        with self.done:
            self.done.execute("create table if not exists done (event_id text primary key, at integer)")
            self.done.execute("delete from done where at < ?", (time.time() - KEPT_SECONDS,))

    def hear(self, event):
        """Handles an event once, however often it comes."""
        event_id = event["event_id"]
        if self.done.execute("select 1 from done where event_id = ?", (event_id,)).fetchone():
            return
        try:
            self.handle(event)
        except Refused as refusal:
            print(f"{event_id}: {refusal}", file=sys.stderr, flush=True)
        # What the shop changes for the event belongs into this same transaction.
        with self.done:
            self.done.execute("insert into done values (?, ?)", (event_id, int(time.time())))

    def handle(self, event):
        content, room = event["content"], quote(event["room_id"], safe="")
        if event["type"] == "m.room.member" and event.get("state_key") == self.user:
            if content.get("membership") == "invite":
                self.server.call("POST", f"/rooms/{room}/join", {})
                print(f"joined {event['room_id']}", flush=True)
        if event["type"] != "m.room.message" or event["sender"] == self.user:
            return
        text = content.get("body")
        # Bots say `m.notice`, and answer none: so two of them never talk for ever.
        if content.get("msgtype") != "m.text" or not isinstance(text, str):
            return
        asked = re.fullmatch(r"!order (\d{1,12})", text.strip(), re.ASCII)
        if asked is None:
            return
        number = asked[1]
        answer = {
            "msgtype": "m.notice",
            "body": f"Order {number}: {self.orders.get(number, 'there is no such order')}",
            "m.relates_to": {"m.in_reply_to": {"event_id": event["event_id"]}},
        }
        txn = quote(f"order-{event['event_id']}", safe="")
        self.server.call("PUT", f"/rooms/{room}/send/m.room.message/{txn}", answer)
        print(f"answered {event['event_id']}", flush=True)


def main():
    tls = ssl.create_default_context(cafile=os.environ.get("CA_FILE"))
    bot = OrderBot(Server(tls))

    url = urlsplit(os.environ["AMQP_URL"])
    user, place = url.username, url.netloc.rpartition("@")[2]
    login = f"{user}:{quote(secret('AMQP_PASSWORD_FILE'), safe='')}"
    broker = pika.URLParameters(url._replace(netloc=f"{login}@{place}").geturl())
    if broker.ssl_options is not None:
        broker.ssl_options = pika.SSLOptions(tls, broker.host)

    def take(channel, method, _properties, body):
        bot.hear(json.loads(body))
        channel.basic_ack(method.delivery_tag)

    # Not closed when something fails: RabbitMQ sees that the program is gone, and keeps what it has not acknowledged.
    connection = pika.BlockingConnection(broker)
    channel = connection.channel()
    # Between two messages: in the middle of its own work, pika would wait for ever.
    signal.signal(signal.SIGTERM, lambda *_: connection.add_callback_threadsafe(channel.stop_consuming))
    # It waits while the program is away, and goes when nobody has come for a week: a board's disk is small.
    queue = f"{user}.orders"
    channel.queue_declare(queue, durable=True, arguments={"x-expires": WEEK_MS})
    room = os.environ.get("ROOM_ID")
    key = "#" if room is None else f"{hashlib.sha256(room.encode()).hexdigest()[:16]}.#"
    channel.queue_bind(queue, EXCHANGE, key)
    channel.basic_qos(prefetch_count=10)
    channel.basic_consume(queue, take)
    print("listening", flush=True)
    channel.start_consuming()
    connection.close()


try:
    main()
except (OSError, KeyError, ValueError, pika.exceptions.AMQPError) as error:
    # Whoever runs it starts it again: systemd, with `Restart=on-failure`.
    sys.exit(f"order_bot: {type(error).__name__}: {error}")
