/**
 * A room's own page: its name, picture and topic, who may come in and who may write, what it tells one, and leaving it.
 */
import { EventType, HistoryVisibility, JoinRule, type MatrixClient, type Room } from "matrix-js-sdk";
import { addressOf } from "../route.js";
import { Avatar } from "../ui/avatar.jsx";
import { Choice, Switch } from "../ui/controls.jsx";
import { confirm } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { shortName } from "./describe.js";
import { Panel } from "./panel.jsx";
import { PictureField } from "./picture-field.jsx";
import { changePower, mayAt, MODERATOR, powerLevels } from "./rights.js";
import { isMuted } from "./room-entries.js";
import { field } from "../ui/field.js";

export function RoomSettings({ room }: { readonly room: Room }) {
  const chat = useChat();
  void chat.changes.value;
  const { client, userId } = chat;
  const may = (type: EventType) => mayAt(room, type, userId);
  return (
    <Panel room={room} title={t("roomSettings")}>
      <div class="scroll">
        <About room={room} version={chat.changes.value} />
        <section>
          <h2>{t("forMe")}</h2>
          <Switch
            label={t("favourite")}
            isOn={"m.favourite" in room.tags}
            onChange={(isOn) =>
              isOn
                ? client.setRoomTag(room.roomId, "m.favourite", { order: 0.5 })
                : client.deleteRoomTag(room.roomId, "m.favourite")
            }
          />
          <Switch
            label={t("mute")}
            isOn={isMuted(client, room.roomId)}
            onChange={(isOn) => client.setRoomMutePushRule("global", room.roomId, isOn) ?? Promise.resolve()}
          />
          <Switch
            label={t("lowPriority")}
            isOn={"m.lowpriority" in room.tags}
            onChange={(isOn) =>
              isOn
                ? client.setRoomTag(room.roomId, "m.lowpriority", {})
                : client.deleteRoomTag(room.roomId, "m.lowpriority")
            }
          />
        </section>
        <section>
          <h2>{t("forAll")}</h2>
          <Choice
            label={t("whoJoins")}
            value={room.getJoinRule()}
            options={[
              [JoinRule.Invite, t("joinInvite")],
              [JoinRule.Knock, t("joinKnock")],
              [JoinRule.Public, t("joinPublic")],
            ]}
            isDisabled={!may(EventType.RoomJoinRules)}
            onChange={(join_rule) =>
              client.sendStateEvent(
                room.roomId,
                EventType.RoomJoinRules,
                { join_rule: join_rule as JoinRule },
                "",
              )
            }
          />
          <Choice
            label={t("whoReads")}
            value={room.getHistoryVisibility()}
            options={[
              [HistoryVisibility.Shared, t("historyShared")],
              [HistoryVisibility.Invited, t("historyInvited")],
              [HistoryVisibility.Joined, t("historyJoined")],
              [HistoryVisibility.WorldReadable, t("historyWorld")],
            ]}
            isDisabled={!may(EventType.RoomHistoryVisibility)}
            onChange={(history_visibility) =>
              client.sendStateEvent(
                room.roomId,
                EventType.RoomHistoryVisibility,
                { history_visibility: history_visibility as HistoryVisibility },
                "",
              )
            }
          />
          <Choice
            label={t("whoWrites")}
            value={(powerLevels(room).events_default ?? 0) >= MODERATOR ? "some" : "all"}
            options={[
              ["all", t("writeAll")],
              ["some", t("writeSome")],
            ]}
            isDisabled={!may(EventType.RoomPowerLevels)}
            onChange={(who) => changePower(client, room, { events_default: who === "all" ? 0 : MODERATOR })}
          />
          <Switch
            label={t("encrypted")}
            isOn={room.hasEncryptionStateEvent()}
            isDisabled={room.hasEncryptionStateEvent() || !may(EventType.RoomEncryption)}
            onChange={() => encrypt(client, room)}
          />
        </section>
        <section>
          <p class="quiet">{room.roomId}</p>
          <button class="danger" onClick={() => attempt(leave(client, room))}>
            {t("leaveRoom")}
          </button>
        </section>
      </div>
    </Panel>
  );
}

/** It can be turned on and never off. */
async function encrypt(client: MatrixClient, room: Room): Promise<void> {
  if (!(await confirm(t("encrypted"), t("encryptForEver"), t("turnOn"), false))) return;
  await client.sendStateEvent(
    room.roomId,
    EventType.RoomEncryption,
    { algorithm: "m.megolm.v1.aes-sha2" },
    "",
  );
}

async function leave(client: MatrixClient, room: Room): Promise<void> {
  if (!(await confirm(t("leaveRoom"), t("leaveRoomText", { room: shortName(room.name) }), t("leave"))))
    return;
  await client.leave(room.roomId);
  location.hash = addressOf();
}

function About({ room }: { readonly room: Room; readonly version: number }) {
  const { client, userId } = useChat();
  const may = (type: EventType) => mayAt(room, type, userId);
  const topic =
    room.currentState.getStateEvents("m.room.topic", "")?.getContent<{ topic?: string }>().topic ?? "";
  const given =
    room.currentState.getStateEvents("m.room.name", "")?.getContent<{ name?: string }>().name ?? "";
  const save = async (form: HTMLFormElement) => {
    const [name, wanted] = [field(form, "name").trim(), field(form, "topic").trim()];
    if (name !== given) await client.setRoomName(room.roomId, name);
    if (wanted !== topic) await client.setRoomTopic(room.roomId, wanted);
    tell(t("saved"));
  };
  const setPicture = (url: string) => client.sendStateEvent(room.roomId, EventType.RoomAvatar, { url }, "");
  return (
    <section>
      <Avatar
        name={shortName(room.name)}
        id={room.roomId}
        mxc={room.getMxcAvatarUrl() ?? undefined}
        size={72}
      />
      {may(EventType.RoomAvatar) && <PictureField onPicture={setPicture} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          attempt(save(event.currentTarget));
        }}
      >
        <label>
          {t("nameOfRoom")}
          <input name="name" dir="auto" defaultValue={given} readOnly={!may(EventType.RoomName)} />
        </label>
        <label>
          {t("topic")}
          <textarea
            name="topic"
            dir="auto"
            defaultValue={topic}
            readOnly={!may(EventType.RoomTopic)}
            rows={3}
          />
        </label>
        {(may(EventType.RoomName) || may(EventType.RoomTopic)) && <button>{t("save")}</button>}
      </form>
    </section>
  );
}
