/** One room: what it is, who is in it, and how it ends. */
import { confirm } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { day } from "../ui/when.js";
import { confirmByName } from "./confirm-name.jsx";
import { useLoaded } from "./loading.js";
import { Facts, Field, Form, Screen, Waiting } from "./parts.jsx";
import { to } from "./place.js";
import { nameOf, RoomTags } from "./rooms.jsx";
import { ask, part, type RoomDetails } from "./server.js";
import { number, t } from "./words.js";

export function RoomScreen({ roomId }: { readonly roomId: string }) {
  const room = useLoaded<RoomDetails>(`/rooms/${part(roomId)}`);
  return (
    <Screen
      title={room.data === undefined ? roomId : nameOf(room.data)}
      back={{ href: to("rooms"), label: t("allRooms") }}
    >
      {room.data === undefined ? (
        <Waiting error={room.error} onRetry={room.reload} />
      ) : (
        <Details room={room.data} onChanged={room.reload} />
      )}
    </Screen>
  );
}

interface DetailsProps {
  readonly room: RoomDetails;
  readonly onChanged: () => void;
}

function Details({ room, onChanged }: DetailsProps) {
  return (
    <>
      <Facts
        facts={[
          [t("roomId"), <span class="code">{room.room_id}</span>],
          ...(room.topic === undefined ? [] : [[t("topic"), room.topic] as const]),
          [t("state"), <RoomTags room={room} />],
          [t("creator"), <a href={to("users", room.creator)}>{room.creator}</a>],
          [t("since"), day(room.created_at)],
          [t("encrypted_"), t(room.encrypted ? "yes_" : "no_")],
          [t("joinRule"), room.join_rule],
          [t("visibility"), room.history_visibility],
          [t("version"), room.version],
        ]}
      />
      <Actions room={room} onChanged={onChanged} />
      <People members={room.members} />
    </>
  );
}

const MEMBERSHIPS = ["join", "invite", "knock", "ban"] as const;

const People = ({ members }: Pick<RoomDetails, "members">) => (
  <section>
    <h2>{t("people_")}</h2>
    {MEMBERSHIPS.filter((membership) => (members[membership] ?? []).length > 0).map((membership) => (
      <div key={membership}>
        <h3>
          {t(`member_${membership}`)} ({number(members[membership]?.length ?? 0)})
        </h3>
        <ul class="names">
          {members[membership]?.map((userId) => (
            <li key={userId}>
              <a href={to("users", userId)}>{userId}</a>
            </li>
          ))}
        </ul>
      </div>
    ))}
  </section>
);

function Actions({ room, onChanged }: DetailsProps) {
  const { room_id: roomId } = room;
  const path = `/rooms/${part(roomId)}`;
  const shutDown = async () => {
    const options = [
      { name: "block", label: t("alsoBlock"), isChecked: true },
      { name: "purge", label: t("alsoPurge"), isChecked: true },
      { name: "reason", label: t("reason"), isText: true },
    ];
    const chosen = await confirmByName(t("shutDown"), t("shutDownText"), nameOf(room), options);
    if (chosen === undefined) return;
    const reason = chosen("reason");
    const { removed, purged } = await ask<{ removed: readonly string[]; purged: number }>(
      "POST",
      `${path}/shutdown`,
      {
        block: chosen("block") !== "",
        purge: chosen("purge") !== "",
        ...(reason !== "" && { reason }),
      },
    );
    tell(t("wasShutDown", { n: number(removed.length), purged: number(purged) }));
    onChanged();
  };
  const purge = async (date: string) => {
    const before = startOf(date);
    if (!(await confirm(t("purge"), t("purgeText", { day: day(before) }), t("purge")))) return;
    const { purged } = await ask<{ purged: number }>("POST", `${path}/purge`, { before });
    tell(t("purged", { n: number(purged) }));
  };
  const block = async (isOn: boolean) => {
    if (isOn && !(await confirm(t("block"), t("blockText"), t("block")))) return;
    await (isOn
      ? ask("PUT", `/blocked-rooms/${part(roomId)}`, {})
      : ask("DELETE", `/blocked-rooms/${part(roomId)}`));
    tell(t("done_"));
    onChanged();
  };
  return (
    <section>
      <h2>{t("actions")}</h2>
      <div class="actions-bar">
        <button type="button" onClick={() => attempt(block(!room.blocked))}>
          {t(room.blocked ? "unblock" : "block")}
        </button>
        <button type="button" class="danger" onClick={() => attempt(shutDown())}>
          {t("shutDown")}
        </button>
      </div>
      <Form class="inline-form" onSubmit={(field) => attempt(purge(field("before")))}>
        <Field name="before" type="date" label={t("purgeBefore")} isRequired />
        <button class="danger">{t("purge")}</button>
      </Form>
    </section>
  );
}

/** The beginning of a day, here. @param date `2026-03-31`; @returns milliseconds since 1970 */
export function startOf(date: string): number {
  const [year = 1970, month = 1, dayOfMonth = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, dayOfMonth).getTime();
}
