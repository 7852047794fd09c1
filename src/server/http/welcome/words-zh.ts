import type { Words } from "./words.js";

const DOWNLOAD = { file: "ca.crt", label: "下载证书" } as const;

export const chinese: Words = {
  title: "欢迎来到 {server}",
  intro:
    "这是一个私人聊天服务，运行在附近的一台小型电脑上，而不是在互联网上。您的设备需要先认识它一次，大约两分钟。",
  invited: "您收到了邀请。邀请保存在本页中，完成最后一步即可使用。",
  trust: {
    title: "1. 让设备信任这个聊天服务",
    why: "只有设备认识的机构作出担保，它才会打开安全页面。为本服务担保的是名为 **{name}** 的证书。",
  },
  platforms: {
    android: {
      title: "安卓（Android）",
      steps: [
        { text: "下载证书。如果手机提示不能从这里安装，这是正常的，请继续下一步。", get: DOWNLOAD },
        {
          text: "打开**设置**，搜索 **CA 证书**。也可以依次进入：安全和隐私、更多安全设置、加密与凭据、安装证书、**CA 证书**。不同品牌的名称略有不同。",
          picture: {
            frame: "phone",
            title: "设置",
            rows: [{ field: "CA 证书" }, "CA 证书", "加密与凭据"],
            at: 1,
          },
        },
        {
          text: "手机会警告网络可能受到监控；添加任何证书时它都会这样提示。点按**仍然安装**，并解锁手机。",
          picture: { frame: "phone", title: "您的数据将不再私密", rows: ["为什么？"], button: "仍然安装" },
        },
        {
          text: "在**下载**中选择文件 `{file}`。",
          picture: { frame: "phone", title: "下载", rows: ["照片.jpg", "….crt", "笔记.pdf"], at: 1 },
        },
      ],
      notes: [
        "Chrome、Element X、Element 和 Firefox（120 及以上版本）会使用您添加的证书。其他应用只有在开发者允许时才会使用。",
        "查看或删除：加密与凭据、信任的凭据、**用户**。",
      ],
    },
    ios: {
      title: "iPhone 和 iPad",
      steps: [
        {
          text: "请用 **Safari** 载入描述文件，并轻点**允许**。其他浏览器不能载入描述文件。",
          get: { file: "imcloud.mobileconfig", label: "载入描述文件" },
          picture: { frame: "phone", title: "载入描述文件？", rows: ["忽略", "允许"], at: 1 },
        },
        {
          text: "打开**设置**，轻点**已下载描述文件**，再轻点右上角的**安装**。如果没有看到：通用、VPN 与设备管理。",
          picture: { frame: "phone", title: "设置", rows: ["已下载描述文件", "无线局域网", "蓝牙"], at: 0 },
        },
        {
          text: "这一步容易漏掉：在设置、通用、关于本机的最下方打开**证书信任设置**，开启 **{name}**。",
          picture: { frame: "phone", title: "证书信任设置", rows: [{ on: "imcloud authority …" }], at: 0 },
        },
      ],
      notes: ["删除：设置、通用、VPN 与设备管理。"],
    },
    windows: {
      title: "Windows",
      steps: [
        { text: "下载证书并打开文件。", get: DOWNLOAD },
        {
          text: "点击**安装证书…**，选择**当前用户**，然后点击下一步。",
          picture: { frame: "window", title: "证书", rows: ["常规", "详细信息"], button: "安装证书…" },
        },
        {
          text: "选择**将所有的证书都放入下列存储**，点击浏览，选择**受信任的根证书颁发机构**。然后下一步、完成，并在询问时选择**是**。",
          picture: {
            frame: "window",
            title: "选择证书存储",
            rows: ["个人", "受信任的根证书颁发机构", "企业信任"],
            at: 1,
            button: "确定",
          },
        },
      ],
      notes: [
        "Edge、Chrome、Firefox（120 及以上版本）和 Element 会使用它。请关闭并重新打开浏览器。",
        "Windows 显示的是另一个较短的指纹。要查看下面的指纹，请在 PowerShell 中运行：`Get-FileHash {file}`。",
        "删除：运行 `certmgr.msc`，受信任的根证书颁发机构、证书。",
      ],
    },
    macos: {
      title: "Mac",
      steps: [
        {
          text: "下载证书并打开文件。**钥匙串访问**会询问放在哪里，请选择**登录**。",
          get: DOWNLOAD,
          picture: { frame: "window", title: "添加证书", rows: ["钥匙串：登录"], button: "添加" },
        },
        {
          text: "在钥匙串访问的“证书”中双击 **{name}**，展开**信任**。",
          picture: { frame: "window", title: "钥匙串访问", rows: ["imcloud authority of …"], at: 0 },
        },
        {
          text: "在**使用此证书时**处选择**始终信任**。关闭窗口并输入您的密码。",
          picture: { frame: "window", title: "信任", rows: ["使用系统默认", "始终信任"], at: 1 },
        },
      ],
      notes: [
        "Safari、Chrome、Firefox（120 及以上版本）和 Element 会使用它。",
        "删除：在钥匙串访问中将其删除。",
      ],
    },
    linux: {
      title: "Linux：Chrome、Chromium 和其他程序",
      steps: [
        { text: "下载证书。", get: DOWNLOAD },
        {
          text: "在 Chrome 或 Chromium 中：设置、隐私和安全、安全、**管理证书**。在**授权机构**（或“自定义”）中**导入**文件。",
          picture: {
            frame: "window",
            title: "管理证书",
            rows: ["您的证书", "授权机构"],
            at: 1,
            button: "导入",
          },
        },
        {
          text: "如果询问，请勾选**信任此证书以标识网站**。",
          picture: {
            frame: "window",
            title: "证书授权机构",
            rows: [{ tick: "标识网站" }],
            at: 0,
            button: "确定",
          },
        },
      ],
      notes: [
        "其他程序：在 Debian、Ubuntu 和 Raspberry Pi OS 上，把下面的 PEM 文件以 `.crt` 结尾复制到 `/usr/local/share/ca-certificates/`，再运行 `sudo update-ca-certificates`。在 Fedora 上复制到 `/etc/pki/ca-trust/source/anchors/`，再运行 `sudo update-ca-trust`。",
        "Firefox 有自己的证书列表：请看 Firefox。",
      ],
    },
    chromebook: {
      title: "Chromebook",
      steps: [
        { text: "下载证书。", get: DOWNLOAD },
        {
          text: "打开 `chrome://settings/certificates`，或：设置、隐私和安全、安全、管理证书。在**授权机构**中**导入**文件。",
          picture: {
            frame: "window",
            title: "管理证书",
            rows: ["您的证书", "授权机构"],
            at: 1,
            button: "导入",
          },
        },
        {
          text: "勾选**信任此证书以标识网站**。",
          picture: {
            frame: "window",
            title: "证书授权机构",
            rows: [{ tick: "标识网站" }],
            at: 0,
            button: "确定",
          },
        },
      ],
      notes: ["来自 Google Play 的应用是安卓应用：请按“安卓”的步骤，在安卓设置中操作。"],
    },
    firefox: {
      title: "Linux 上的 Firefox",
      steps: [
        { text: "下载证书。", get: DOWNLOAD },
        {
          text: "设置、**隐私与安全**，在下方找到：证书、**查看证书…**、**证书颁发机构**、**导入…**",
          picture: {
            frame: "window",
            title: "证书管理器",
            rows: ["您的证书", "证书颁发机构"],
            at: 1,
            button: "导入…",
          },
        },
        {
          text: "勾选**信任由此证书颁发机构来标识网站**。",
          picture: {
            frame: "window",
            title: "下载证书",
            rows: [{ tick: "标识网站" }],
            at: 0,
            button: "确定",
          },
        },
      ],
      notes: [
        "Firefox 在每个系统上都有自己的证书列表。在 Windows、Mac 和安卓上，从 120 版起它会采用您添加到系统中的证书；这里的步骤适用于 Linux 和更旧的版本。",
      ],
    },
  },
  compare: {
    title: "2. 核对指纹",
    how: "证书的 SHA-256 指纹必须与邀请您的人手中的完全相同：请对方读给您听，或查看您拿到的纸条。只要有一组不同，就请停止、删除证书并告诉对方：这说明有人从中冒充。只与本页核对不能证明任何事情。",
    files: "证书文件：",
  },
  open: {
    title: "3. 打开聊天",
    how: "如果此时出现警告，说明您的设备还没有信任该证书：请不要忽略警告，回到第 1 步。",
    link: "打开聊天",
    withoutScript:
      "此浏览器关闭了脚本。如果您有邀请，请把邀请链接中 `#` 之后的内容放到聊天地址之后：`{address}#/join/…`",
  },
  code: { title: "在另一台设备上", label: "聊天的安全地址，可用相机扫描" },
  limits: {
    title: "这个证书能做什么，不能做什么",
    can: "它为 {server} 及其下级名称、只存在于家庭网络中的名称（`.local`、`.home.arpa`、`localhost`）以及私有地址（例如 192.168.1.23）作担保。",
    cannot:
      "它不能为其他任何网站作担保：这一点写在证书里，浏览器和系统都会遵守。即使有人偷走它的密钥，也无法冒充您的银行、邮箱或商店。它的密钥不在服务器上。它不会让任何人看到您在其他网站上的活动。",
    remove: "您可以随时删除它；删除后只是不再信任这个聊天服务，其他一切不变。",
  },
  nothing: "无需安装任何东西：您的设备已经认识为本聊天服务担保的机构。直接打开即可。",
};
