import type { Words } from "./words.js";

const DOWNLOAD = { file: "ca.crt", label: "Download the certificate" } as const;

export const english: Words = {
  title: "Welcome to {server}",
  intro:
    "This is a private chat. It runs on a small computer nearby, not on the internet, so your device has to get to know it once. That takes two minutes.",
  invited: "You are invited. Your invitation stays in this page and is waiting behind the last step.",
  trust: {
    title: "1. Let your device trust this chat",
    why: "Your device opens secure pages only if somebody it knows vouches for them. For this chat, that is a certificate named **{name}**.",
  },
  platforms: {
    android: {
      title: "Android",
      steps: [
        {
          text: "Download the certificate. If the phone says that it cannot be installed from here, that is right: go on.",
          get: DOWNLOAD,
        },
        {
          text: "Open **Settings** and search for **CA certificate**. By hand: Security & privacy, More security settings, Encryption & credentials, Install a certificate, **CA certificate**. The names differ a little between makers.",
          picture: {
            frame: "phone",
            title: "Settings",
            rows: [{ field: "CA certificate" }, "CA certificate", "Encryption & credentials"],
            at: 1,
          },
        },
        {
          text: "The phone warns of networks that can be watched; it says so of every certificate that you add. Tap **Install anyway** and unlock the phone.",
          picture: {
            frame: "phone",
            title: "Your data won't be private",
            rows: ["Why is that?"],
            button: "Install anyway",
          },
        },
        {
          text: "Choose the file in **Downloads**: `{file}`.",
          picture: { frame: "phone", title: "Downloads", rows: ["photo.jpg", "….crt", "notes.pdf"], at: 1 },
        },
      ],
      notes: [
        "Chrome, Element X, Element and Firefox (from 120 on) use certificates that you add. Other apps do so only if their makers allow it.",
        "Where to look it up, and to remove it: Encryption & credentials, Trusted credentials, **User**.",
      ],
    },
    ios: {
      title: "iPhone and iPad",
      steps: [
        {
          text: "In **Safari**, load the profile and tap **Allow**. Other browsers cannot load profiles.",
          get: { file: "imcloud.mobileconfig", label: "Load the profile" },
          picture: { frame: "phone", title: "Load a profile?", rows: ["Ignore", "Allow"], at: 1 },
        },
        {
          text: "Open **Settings**, tap **Profile Downloaded**, then **Install** at the top. If it is not there: General, VPN & Device Management.",
          picture: {
            frame: "phone",
            title: "Settings",
            rows: ["Profile Downloaded", "Wi-Fi", "Bluetooth"],
            at: 0,
          },
        },
        {
          text: "This step is easily missed: in Settings, General, About, at the bottom **Certificate Trust Settings**, switch on **{name}**.",
          picture: {
            frame: "phone",
            title: "Certificate Trust Settings",
            rows: [{ on: "imcloud authority …" }],
            at: 0,
          },
        },
      ],
      notes: ["To remove it: Settings, General, VPN & Device Management."],
    },
    windows: {
      title: "Windows",
      steps: [
        { text: "Download the certificate and open the file.", get: DOWNLOAD },
        {
          text: "Click **Install Certificate…**, choose **Current User**, then Next.",
          picture: {
            frame: "window",
            title: "Certificate",
            rows: ["General", "Details"],
            button: "Install Certificate…",
          },
        },
        {
          text: "Choose **Place all certificates in the following store**, Browse, **Trusted Root Certification Authorities**. Then Next, Finish, and **Yes** to the question.",
          picture: {
            frame: "window",
            title: "Select a store",
            rows: ["Personal", "Trusted Root Certific…", "Enterprise Trust"],
            at: 1,
            button: "OK",
          },
        },
      ],
      notes: [
        "Edge, Chrome, Firefox (from 120 on) and Element use it. Close and open the browser once.",
        "Windows shows another, shorter fingerprint. To see this one, in PowerShell: `Get-FileHash {file}`.",
        "To remove it: start `certmgr.msc`, Trusted Root Certification Authorities, Certificates.",
      ],
    },
    macos: {
      title: "Mac",
      steps: [
        {
          text: "Download the certificate and open the file. **Keychain Access** asks where to put it: **login**.",
          get: DOWNLOAD,
          picture: { frame: "window", title: "Add Certificates", rows: ["Keychain: login"], button: "Add" },
        },
        {
          text: "In Keychain Access, under Certificates, double-click **{name}** and open **Trust**.",
          picture: {
            frame: "window",
            title: "Keychain Access",
            rows: ["imcloud authority of …"],
            at: 0,
          },
        },
        {
          text: "At **When using this certificate** choose **Always Trust**. Close the window and give your password.",
          picture: { frame: "window", title: "Trust", rows: ["Use System Defaults", "Always Trust"], at: 1 },
        },
      ],
      notes: [
        "Safari, Chrome, Firefox (from 120 on) and Element use it.",
        "To remove it: delete it in Keychain Access.",
      ],
    },
    linux: {
      title: "Linux: Chrome, Chromium, and programs",
      steps: [
        { text: "Download the certificate.", get: DOWNLOAD },
        {
          text: "In Chrome or Chromium: Settings, Privacy and security, Security, **Manage certificates**. Under **Authorities**, or Custom, **Import** the file.",
          picture: {
            frame: "window",
            title: "Manage certificates",
            rows: ["Your certificates", "Authorities"],
            at: 1,
            button: "Import",
          },
        },
        {
          text: "Tick **Trust this certificate for identifying websites**, if you are asked.",
          picture: {
            frame: "window",
            title: "Certificate authority",
            rows: [{ tick: "identifying websites" }],
            at: 0,
            button: "OK",
          },
        },
      ],
      notes: [
        "For all other programs: on Debian, Ubuntu and Raspberry Pi OS, copy the PEM file below to `/usr/local/share/ca-certificates/` under a name that ends in `.crt`, then `sudo update-ca-certificates`. On Fedora: to `/etc/pki/ca-trust/source/anchors/`, then `sudo update-ca-trust`.",
        "Firefox has a list of its own: see Firefox.",
      ],
    },
    chromebook: {
      title: "Chromebook",
      steps: [
        { text: "Download the certificate.", get: DOWNLOAD },
        {
          text: "Open `chrome://settings/certificates`, or Settings, Privacy and security, Security, Manage certificates. Under **Authorities**, **Import** the file.",
          picture: {
            frame: "window",
            title: "Manage certificates",
            rows: ["Your certificates", "Authorities"],
            at: 1,
            button: "Import",
          },
        },
        {
          text: "Tick **Trust this certificate for identifying websites**.",
          picture: {
            frame: "window",
            title: "Certificate authority",
            rows: [{ tick: "identifying websites" }],
            at: 0,
            button: "OK",
          },
        },
      ],
      notes: ["Apps from Google Play are Android apps: see Android, in the settings for Android apps."],
    },
    firefox: {
      title: "Firefox on Linux",
      steps: [
        { text: "Download the certificate.", get: DOWNLOAD },
        {
          text: "Settings, **Privacy & Security**, far down: Certificates, **View Certificates…**, **Authorities**, **Import…**",
          picture: {
            frame: "window",
            title: "Certificate Manager",
            rows: ["Your Certificates", "Authorities"],
            at: 1,
            button: "Import…",
          },
        },
        {
          text: "Tick **Trust this CA to identify websites**.",
          picture: {
            frame: "window",
            title: "Downloading Certificate",
            rows: [{ tick: "identify websites" }],
            at: 0,
            button: "OK",
          },
        },
      ],
      notes: [
        "Firefox has its own list of authorities on every system. On Windows, Mac and Android it takes over what you add to the system, from version 120 on; this is for Linux, and for older ones.",
      ],
    },
  },
  compare: {
    title: "2. Compare the fingerprint",
    how: "The certificate's SHA-256 fingerprint must be the one that the person who invited you has: ask them to read it to you, or look at the paper that you got. If a single pair differs, stop, remove the certificate and tell them: then somebody is in between. To compare it with this page alone proves nothing.",
    files: "The certificate as a file:",
  },
  open: {
    title: "3. Open the chat",
    how: "If a warning comes up here, your device does not trust the certificate yet: do not click it away, go back to step 1.",
    link: "Open the chat",
    withoutScript:
      "Scripts are switched off in this browser. If you have an invitation, put what stands behind the `#` of its link behind the chat's address: `{address}#/join/…`",
  },
  code: {
    title: "On another device",
    label: "The chat's secure address, as a code for a camera",
  },
  limits: {
    title: "What this certificate can do, and what it cannot",
    can: "It vouches for {server} and names below it, for names that exist in home networks alone (`.local`, `.home.arpa`, `localhost`), and for private addresses such as 192.168.1.23.",
    cannot:
      "It cannot vouch for anything else: that is written into it, and browsers and systems keep to it. Not even somebody who steals its key could pretend to be your bank, your mail or a shop. Its key is not on the server. It does not let anybody read what you do on other sites.",
    remove:
      "You can remove it at any time; then this chat is not trusted any more, and nothing else changes.",
  },
  nothing:
    "There is nothing to install: your device knows already who vouches for this chat. Open it and you are there.",
};
