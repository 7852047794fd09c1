/** The rooms: looked for, and those that are blocked. */
import { useState } from "preact/hooks";
import { confirm } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { day } from "../ui/when.js";
import { useLoaded, usePages } from "./loading.js";
import { Field, Form, More, Screen, Table, Tag, Waiting } from "./parts.jsx";
import { to } from "./place.js";
import { ask, part, type Room } from "./server.js";
import { number, t } from "./words.js";

export const nameOf = ({ name, canonical_alias: alias, room_id: id }: Room): string => name ?? alias ?? id;

export function Rooms() {
  const [search, setSearch] = useState("");
  const pages = usePages<Room>("/rooms", "rooms", search);
  return (
    <Screen title={t("allRooms")}>
      <Field name="search" type="search" label={t("findRoomAdmin")} onInput={setSearch} />
      {pages.items === undefined ? (
        <Waiting error={pages.error} onRetry={pages.reload} />
      ) : (
        <Table
          caption={t("allRooms")}
          columns={[t("room"), t("people_"), t("state")]}
          empty={t("nothingFound")}
          rows={pages.items.map((room) => [
            room.room_id,
            <a href={to("rooms", room.room_id)} class="two-lines">
              <span dir="auto">{room.name ?? room.canonical_alias ?? t("noName")}</span>
              <small>{room.room_id}</small>
            </a>,
            number(room.joined),
            <RoomTags room={room} />,
          ])}
        />
      )}
      <More pages={pages} />
      <Blocked onChanged={pages.reload} />
    </Screen>
  );
}

export const RoomTags = ({ room }: { readonly room: Room }) => (
  <>
    {room.published && <Tag kind="plain">{t("published")}</Tag>}
    {room.blocked && <Tag kind="locked">{t("blocked")}</Tag>}
  </>
);

interface BlockedRoom {
  readonly room_id: string;
  readonly reason?: string;
  readonly blocked_at: number;
}

function Blocked({ onChanged }: { readonly onChanged: () => void }) {
  const blocked = useLoaded<{ rooms: readonly BlockedRoom[] }>("/blocked-rooms");
  const change = async (isOn: boolean, id: string, reason = "") => {
    if (isOn && !(await confirm(t("block"), `${id}: ${t("blockText")}`, t("block")))) return;
    const path = `/blocked-rooms/${part(id)}`;
    await (isOn ? ask("PUT", path, reason === "" ? {} : { reason }) : ask("DELETE", path));
    tell(t("done_"));
    blocked.reload();
    onChanged();
  };
  return (
    <section>
      <h2>{t("blockedRooms")}</h2>
      {blocked.data === undefined ? (
        <Waiting error={blocked.error} onRetry={blocked.reload} />
      ) : (
        <Table
          caption={t("blockedRooms")}
          columns={[t("room"), t("reason"), t("since"), t("actions")]}
          rows={blocked.data.rooms.map(({ room_id: id, reason, blocked_at: at }) => [
            id,
            <a href={to("rooms", id)}>{id}</a>,
            <span dir="auto">{reason ?? t("noReason")}</span>,
            day(at),
            <button type="button" onClick={() => attempt(change(false, id))}>
              {t("unblock")}
              <span class="hidden"> {id}</span>
            </button>,
          ])}
        />
      )}
      <Form
        class="inline-form"
        label={t("blockById")}
        onSubmit={(field, form) =>
          attempt(change(true, field("room"), field("reason")).then(() => form.reset()))
        }
      >
        <Field name="room" label={t("blockById")} hint="!abc:example.org" isRequired />
        <Field name="reason" label={t("reason")} hint={t("reasonHint")} />
        <button>{t("block")}</button>
      </Form>
    </section>
  );
}
