/**
 * What the server says of its health, in Simplified Chinese. The server speaks English, as `imcloud health` does; what
 * is not in this table is shown as it is.
 */
type Rule = readonly [pattern: RegExp, text: string];

const RULES: readonly Rule[] = [
  [/^takes writes$/, "可以写入"],
  [/^the disk is full$/, "磁盘已满"],
  [/^the disk is read-only$/, "磁盘为只读"],
  [/^the disk fails$/, "磁盘出错"],
  [/^the database is damaged$/, "数据库已损坏"],
  [/^the store did not answer within (\d+) ms$/, "存储在 $1 毫秒内没有响应"],
  [/^the store does not answer$/, "存储没有响应"],
  [/^the disk with the server's data is (\d+ %) full$/, "存放服务器数据的磁盘已用 $1"],
  [/^the disk does not tell its size$/, "无法得知磁盘大小"],
  [/^(\d+) MiB of (\d+) MiB available$/, "可用 $1 MiB，共 $2 MiB"],
  [/^the memory cannot be read$/, "无法读取内存信息"],
  [/^five-minute load$/, "五分钟平均负载"],
  [/^the load cannot be read$/, "无法读取负载"],
  [/^connected$/, "已连接"],
  [/^people chat on; what they say waits for the broker: (.*)$/, "聊天不受影响，事件在等待消息代理：$1"],
  [/^not confirmed by the broker yet$/, "尚未被消息代理确认"],
  [/^the broker refused (\d+) events for good$/, "消息代理拒绝了 $1 个事件"],
  [/^good until (.*)$/, "有效期至 $1"],
  [/^ends on (.*)$/, "将于 $1 到期"],
  [/^expired on (.*)$/, "已于 $1 过期"],
  [/^its machine's clock$/, "使用所在机器的时钟"],
  [/^synchronized$/, "已同步"],
  [/^not synchronized$/, "未同步"],
  [/^no time service tells the server$/, "没有可查询的时间服务"],
  [/^chip temperature$/, "芯片温度"],
  [/^the sensor gave no figure$/, "传感器没有给出数值"],
  [/^no under-voltage since boot$/, "启动以来电压正常"],
  [/^under-voltage since boot; clears at the next boot$/, "启动以来出现过欠压；重启后清除"],
  [/^under-voltage now$/, "当前欠压"],
  [/^the firmware gave no flags$/, "固件没有给出状态"],
  [/^full speed since boot$/, "启动以来全速运行"],
  [/^the processors were slowed since boot; clears at the next boot$/, "启动以来曾降频；重启后清除"],
  [/^the firmware slows the processors now$/, "固件正在降频"],

  [/^see `(.*journalctl[^`]*)`$/, "查看 `$1`"],
  [/^see `(.*journalctl[^`]*)`: it has the broker's reason$/, "查看 `$1`：其中有消息代理给出的原因"],
  [
    /^see with `(imcloud exec -- du[^`]*)` what is large; `(apt-get clean)` and `(journalctl[^`]*)` are safe$/,
    "用 `$1` 查看哪些内容较大；`$2` 和 `$3` 可以放心使用",
  ],
  [/^look at `df` on the board$/, "在主板上查看 `df`"],
  [/^look at (\/proc\/\w+) on the board$/, "在主板上查看 `$1`"],
  [/^see with `(imcloud exec -- ps[^`]*)` who has it$/, "用 `$1` 查看谁在占用"],
  [
    /^see with `(imcloud exec -- top[^`]*)` what runs; move.*$/,
    "用 `$1` 查看正在运行的程序；把某个服务移到另一块主板",
  ],
  [/^see with `imcloud health` whether the broker runs$/, "用 `imcloud health` 查看消息代理是否在运行"],
  [
    /^see with `imcloud health` whether the broker runs and keeps up$/,
    "用 `imcloud health` 查看消息代理是否在运行并跟得上",
  ],
  [/^run `imcloud apply`: it issues a new one$/, "运行 `imcloud apply`，它会签发新证书"],
  [/^see why it was not renewed: `([^`]*)`; try again: `([^`]*)`$/, "查看为何没有续期：`$1`；再试一次：`$2`"],
  [/^see with `(imcloud exec -- timedatectl)` whether.*$/, "用 `$1` 查看时间服务是否在运行并能连到其服务器"],
  [/^give the board a heat sink, a fan, or air$/, "给主板加散热片、风扇，或改善通风"],
  [
    /^see whether `vcgencmd measure_temp` works on the board$/,
    "看看 `vcgencmd measure_temp` 在主板上能否使用",
  ],
  [
    /^use a 5\.1 V \/ 3 A supply and a short cable; power SSDs from a hub$/,
    "使用 5.1 V / 3 A 电源和短线；SSD 由集线器供电",
  ],
  [
    /^install the package that has `vcgencmd`.*$/,
    "安装带有 `vcgencmd` 的软件包：raspi-utils，旧系统为 libraspberrypi-bin",
  ],
  [/^see to power and cooling$/, "检查供电和散热"],
];

/** @returns undefined for what is not known here */
export function healthInChinese(text: string): string | undefined {
  const rule = RULES.find(([pattern]) => pattern.test(text));
  return rule === undefined ? undefined : text.replace(...rule);
}
