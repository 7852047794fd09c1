/** Imports point one way; the rooms and their order are those of docs/architecture.md. */
const order = [
  "cli",
  "fleet",
  "playbook|flash|health|bench|lab",
  "engine",
  "resources",
  "board",
  "files",
  "shared",
];

const upward = order.slice(1).map((room, index) => ({
  name: `no-import-upward-from-${room.replaceAll("|", "-")}`,
  severity: "error",
  from: { path: `^src/(${room})/` },
  to: { path: `^src/(${order.slice(0, index + 1).join("|")})/` },
}));

module.exports = {
  forbidden: [
    ...upward,
    {
      name: "no-circular",
      severity: "error",
      from: { path: "^src" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "siblings-stay-apart",
      severity: "error",
      from: { path: "^src/(playbook|flash|health|bench|lab)/" },
      to: { path: "^src/(playbook|flash|health|bench|lab)/", pathNot: "^src/$1/" },
    },
    {
      name: "server-is-an-island",
      severity: "error",
      from: { path: "^src/server/" },
      to: { path: "^src/(?!server/|shared/)" },
    },
    {
      name: "nobody-imports-the-server",
      severity: "error",
      from: { path: "^src/(?!server/)" },
      to: { path: "^src/server/" },
    },
    {
      name: "web-is-an-island",
      severity: "error",
      from: { path: "^src/web/" },
      to: { path: "^src/(?!web/|shared/)" },
    },
    {
      name: "config-is-a-leaf",
      severity: "error",
      from: { path: "^src/config/" },
      to: { path: "^src/(?!config/|shared/)" },
    },
    {
      name: "the-web-when-it-is-asked",
      comment: "undici is a hundred files, which took a quarter of every command's time",
      severity: "error",
      from: { path: "^src/(?!server/|web/)", pathNot: "^src/files/web-client[.]ts$" },
      to: {
        path: "^src/files/web-client[.]ts$|^node_modules/undici/",
        dynamic: false,
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "shared-imports-nothing",
      severity: "error",
      from: { path: "^src/shared/" },
      to: { path: "^src/(?!shared/)" },
    },
    {
      name: "bin-only-hands-over",
      severity: "error",
      from: { path: "^bin/" },
      to: { path: "^src/(?!cli/)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".js"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
