/**
 * One's own settings: who one is, how the page looks and sounds, the devices, the encryption, and signing out.
 */
import { useSignal } from "@preact/signals";
import type { IMyDevice } from "matrix-js-sdk";
import { useEffect } from "preact/hooks";
import { registerWorker } from "../register-worker.js";
import { Avatar } from "../ui/avatar.jsx";
import { Choice, Switch } from "../ui/controls.jsx";
import { askPassword, confirm } from "../ui/dialog.jsx";
import { chooseTheme, chosenTheme, type Theme } from "../ui/theme.js";
import { attempt, tell } from "../ui/toasts.jsx";
import { exactly } from "../ui/when.js";
import { chooseLanguage, chosenLanguage, t, type Language } from "../words/words.js";
import { changePassword, endDevices } from "./account.js";
import { useChat } from "./context.js";
import { shortName } from "./describe.js";
import { preferences } from "./preferences.js";
import { PictureField } from "./picture-field.jsx";
import { RecoveryDialog } from "./recovery.jsx";
import { VerifyDeviceDialog } from "./verify-device.jsx";
import { Header } from "./view-header.jsx";
import { answerPushes, pushState, startPush, stopPush, type PushState } from "./web-push.js";
import { field } from "../ui/field.js";

export function Settings() {
  return (
    <main class="view page">
      <Header title={t("settings")} />
      <div class="scroll">
        <Profile />
        <Looks />
        <Notices />
        <Security />
        <Devices />
        <Password />
        <Leaving />
      </div>
    </main>
  );
}

function Profile() {
  const { client, userId } = useChat();
  const profile = useSignal<{ displayname?: string; avatar_url?: string }>({});
  useEffect(() => attempt(client.getProfileInfo(userId).then((it) => (profile.value = it))), []);
  const { displayname = "", avatar_url } = profile.value;
  const setPicture = async (url: string) => {
    await client.setAvatarUrl(url);
    profile.value = { ...profile.value, avatar_url: url };
  };
  const save = async (name: string) => {
    await client.setDisplayName(name);
    profile.value = { ...profile.value, displayname: name };
    tell(t("saved"));
  };
  return (
    <section>
      <h2>{t("account")}</h2>
      <Avatar name={displayname || shortName(userId)} id={userId} mxc={avatar_url} size={72} />
      <p class="quiet">{userId}</p>
      <PictureField onPicture={setPicture} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          attempt(save(field(event.currentTarget, "name").trim()));
        }}
      >
        <label>
          {t("displayName")}
          <input name="name" dir="auto" defaultValue={displayname} key={displayname} autocomplete="name" />
        </label>
        <button>{t("save")}</button>
      </form>
    </section>
  );
}

function Looks() {
  return (
    <section>
      <h2>{t("looks")}</h2>
      <Choice
        label={t("language")}
        value={chosenLanguage.value ?? ""}
        options={[
          ["", t("asBrowser")],
          ["en", "English"],
          ["zh", "简体中文"],
        ]}
        onChange={(value) => {
          chooseLanguage(value === "" ? undefined : (value as Language));
          return Promise.resolve();
        }}
      />
      <Choice
        label={t("theme")}
        value={chosenTheme.value ?? ""}
        options={[
          ["", t("asDevice")],
          ["light", t("light")],
          ["dark", t("dark")],
        ]}
        onChange={(value) => {
          chooseTheme(value === "" ? undefined : (value as Theme));
          return Promise.resolve();
        }}
      />
    </section>
  );
}

function Notices() {
  const { client } = useChat();
  const push = useSignal<PushState>("unknown");
  useEffect(() => {
    const look = async () => {
      push.value = await pushState(client, await registerWorker());
    };
    const begin = async () => {
      await look();
      // Nobody was there to answer when it came: it comes once more.
      const worker = push.value === "waiting" ? await registerWorker() : undefined;
      if (worker !== undefined) push.value = await startPush(client, worker);
    };
    attempt(begin());
    return answerPushes(client, () => attempt(look()));
  }, []);
  const setNotifications = async (isOn: boolean) => {
    if (isOn && (await Notification.requestPermission()) !== "granted") return tell(t("notAllowed"), true);
    preferences.notifications.value = isOn;
  };
  const setPush = async (isOn: boolean) => {
    const worker = await registerWorker();
    if (worker === undefined) return;
    push.value = isOn ? await startPush(client, worker) : await stopPush(client, worker);
  };
  return (
    <section>
      <h2>{t("notices")}</h2>
      <Switch
        label={t("sound")}
        isOn={preferences.sound.value}
        onChange={(isOn) => Promise.resolve(void (preferences.sound.value = isOn))}
      />
      {"Notification" in globalThis && (
        <Switch
          label={t("notifications")}
          isOn={preferences.notifications.value}
          onChange={setNotifications}
        />
      )}
      <Switch
        label={t("pushWhenClosed")}
        isOn={push.value === "on" || push.value === "waiting"}
        isDisabled={!["on", "waiting", "off"].includes(push.value)}
        onChange={setPush}
      />
      {push.value === "waiting" && <p class="quiet">{t("pushWaiting")}</p>}
      {push.value === "untrusted" && <p class="quiet">{t("pushUntrusted")}</p>}
      {push.value === "unsupported" && <p class="quiet">{t("pushUnsupported")}</p>}
      {push.value === "denied" && <p class="quiet">{t("notAllowed")}</p>}
    </section>
  );
}

function Security() {
  const { encryption } = useChat();
  const open = useSignal<"recovery" | "verify" | undefined>(undefined);
  const { value: trust } = encryption.trust;
  const close = () => (open.value = undefined);
  return (
    <section>
      <h2>{t("encryption")}</h2>
      {encryption.state.value === "none" && <p>{t("noEncryption")}</p>}
      {trust !== undefined && (
        <>
          <p>{trust.isVerified ? t("deviceIsVerified") : t("deviceIsNotVerified")}</p>
          <p>{trust.isBackedUp ? t("backupIsOn") : t("backupIsOff")}</p>
          <p class="buttons">
            {trust.isVerified ? (
              <button onClick={() => (open.value = "recovery")}>
                {trust.hasRecovery ? t("newRecoveryKey") : t("makeRecoveryKey")}
              </button>
            ) : (
              <button class="primary" onClick={() => (open.value = "verify")}>
                {t("verifyThisDevice")}
              </button>
            )}
          </p>
        </>
      )}
      {open.value === "recovery" && <RecoveryDialog onClose={close} />}
      {open.value === "verify" && <VerifyDeviceDialog onClose={close} />}
    </section>
  );
}

function Devices() {
  const { client } = useChat();
  const devices = useSignal<readonly IMyDevice[]>([]);
  const load = () => client.getDevices().then((answer) => (devices.value = answer.devices));
  useEffect(() => attempt(load()), []);
  const end = async (device: IMyDevice) => {
    const name = device.display_name ?? device.device_id;
    const password = await askPassword(t("signOut"), t("passwordToEndDevice", { name }));
    if (password === undefined) return;
    await endDevices(client, [device.device_id], password);
    await load();
  };
  return (
    <section>
      <h2>{t("devices")}</h2>
      <ul class="members">
        {devices.value.map((device) => (
          <li key={device.device_id}>
            <span class="name" dir="auto">
              {device.display_name ?? device.device_id}
            </span>
            <small>
              {device.device_id === client.getDeviceId()
                ? t("thisDevice")
                : device.last_seen_ts !== undefined && exactly(device.last_seen_ts)}
            </small>
            {device.device_id !== client.getDeviceId() && (
              <button onClick={() => attempt(end(device))}>{t("signOut")}</button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Password() {
  const { client } = useChat();
  const submit = async (form: HTMLFormElement) => {
    await changePassword(client, field(form, "old"), field(form, "new"));
    form.reset();
    tell(t("saved"));
  };
  return (
    <section>
      <h2>{t("changePassword")}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          attempt(submit(event.currentTarget));
        }}
      >
        <label>
          {t("oldPassword")}
          <input name="old" type="password" required autocomplete="current-password" />
        </label>
        <label>
          {t("newPassword")}
          <input name="new" type="password" required autocomplete="new-password" />
        </label>
        <button>{t("changePassword")}</button>
      </form>
    </section>
  );
}

function Leaving() {
  const chat = useChat();
  const leave = async () => {
    const { state, trust } = chat.encryption;
    const isSafe = state.value === "none" || (trust.value?.hasRecovery === true && trust.value.isBackedUp);
    const isWaiting = chat.client.getRooms().some((room) => room.getPendingEvents().length > 0);
    const text = [
      t(isSafe ? "signOutText" : "signOutLosesKeys"),
      ...(isWaiting ? [t("signOutLosesMessages")] : []),
    ].join(" ");
    if (await confirm(t("signOut"), text, t("signOut"))) await chat.signOut();
  };
  return (
    <section>
      <button class="danger" onClick={() => attempt(leave())}>
        {t("signOut")}
      </button>
    </section>
  );
}
