/**
 * Virtual hosts, users, permissions and policies of a broker, as one document.
 *
 * A call of `rabbitmqctl` costs about a second of CPU, so what is there is not asked at every run: the hash
 * of what was last imported is compared, and that the broker listens. The hash lies in the broker's own data
 * folder, so a broker whose data is gone has no hash either. Passwords travel as salted hashes. Options are those
 * that `rabbitmqctl` has had since 3.6.
 *
 * Sources: the RabbitMQ guides on definitions (export and import) and on credentials (password hashing:
 * base64 of four bytes of salt and the SHA-256 of salt and password).
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { lines, payloadFile, sh, type Script } from "../board/script.js";
import { Secret } from "../shared/secret.js";
import { SecretValue } from "./fields.js";
import {
  absent,
  known,
  unknowable,
  type Observation,
  type ResourceId,
  type ResourceType,
} from "./resource.js";

const Name = z.string().regex(/^[\w./:-]+$/, "letters, digits and `._/:-`");

const ReaderName = z.string().regex(/^[a-z][a-z0-9-]*$/, "lower-case letters, digits and hyphens");

const Wish = z.strictObject({
  node: z
    .string()
    .regex(/^[\w-]+@[\w.-]+$/)
    .default("rabbit@localhost"),
  port: z.int().min(1).max(65535).default(5672),
  vhosts: z.array(Name).default(["/"]),
  users: z
    .array(z.strictObject({ name: Name, password: SecretValue, tags: z.array(Name).default([]) }))
    .default([]),
  readers: z
    .array(z.strictObject({ name: ReaderName, password: SecretValue }))
    .default([])
    .describe("accounts that hear `hears`: they bind queues of their own, `NAME.…`, to it"),
  hears: z
    .strictObject({ vhost: Name, exchange: Name })
    .optional()
    .describe("what `readers` listen to, and cannot publish to"),
  permissions: z
    .array(
      z.strictObject({ user: Name, vhost: Name, configure: z.string(), write: z.string(), read: z.string() }),
    )
    .default([]),
  policies: z
    .array(
      z.strictObject({
        vhost: Name,
        name: Name,
        pattern: z.string(),
        applyTo: z.enum(["all", "queues", "exchanges"]).default("all"),
        priority: z.int().default(0),
        definition: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      }),
    )
    .default([]),
  withoutUsers: z.array(Name).default(["guest"]).describe("accounts that must not exist"),
});

const Desired = Wish.refine(({ readers, hears }) => readers.length === 0 || hears !== undefined, {
  path: ["hears"],
  message: "`readers` need it: a virtual host and an exchange",
});
type Desired = z.infer<typeof Desired>;

/** Readers as what they are to the broker: accounts with permissions. */
function withReaders({ readers, hears, users, permissions, ...rest }: Desired): Objects {
  const rights = readers.map(({ name }) => ({
    user: name,
    vhost: hears?.vhost ?? "/",
    configure: `^${name}\\.`,
    write: `^${name}\\.`,
    read: `^(${name}\\..*|${hears?.exchange.replaceAll(".", "\\.") ?? ""})$`,
  }));
  return {
    ...rest,
    users: [...users, ...readers.map((reader) => ({ ...reader, tags: [] }))],
    permissions: [...permissions, ...rights],
  };
}

type Objects = Omit<Desired, "readers" | "hears">;

/** Ubuntu 18.04 has 3.6, Raspberry Pi OS buster 3.7. Source: RabbitMQ 3.8.2's release notes. */
const IMPORTS_SINCE = "3.8.2";
/** In the broker's own folder, readable for it alone, for as long as it reads. */
const READING = "/var/lib/rabbitmq/.imcloud-reading";

const stampOf = (node: string) => `/var/lib/rabbitmq/mnesia/${node}/imcloud-definitions`;

export const rabbitmqDefinitions: ResourceType<Desired, string> = {
  type: "rabbitmq-definitions",
  schema: Desired,
  key: ({ node }) => node,

  probe: (all) => sh`
[ -x /usr/sbin/rabbitmqctl ] || echo missing
sed -n 's/^ *[0-9]*: [0-9A-F]*:\([0-9A-F]*\) [0-9A-F]*:0000 0A .*/port \1/p' /proc/net/tcp /proc/net/tcp6 2>/dev/null
grep -sH '^sha256 ' ${all.map(({ desired }) => stampOf(desired.node))}
:`,

  observe(output, all) {
    const rows = output.split("\n");
    return new Map(
      all.map(({ id, desired: { node, port } }): [ResourceId, Observation<string>] => {
        if (rows.includes("missing")) return [id, unknowable("RabbitMQ is not installed yet")];
        if (!rows.includes(`port ${port.toString(16).toUpperCase().padStart(4, "0")}`)) {
          return [id, unknowable(`RabbitMQ does not listen on port ${port}`)];
        }
        const prefix = `${stampOf(node)}:sha256 `;
        const stamp = rows.find((row) => row.startsWith(prefix))?.slice(prefix.length);
        return [id, stamp === undefined ? absent : known(stamp)];
      }),
    );
  },

  diff(wished, observed) {
    const desired = withReaders(wished);
    const { node, vhosts, users, policies, withoutUsers } = desired;
    const document = renderDefinitions(desired);
    const hash = createHash("sha256").update(document.reveal()).update(withoutUsers.join()).digest("hex");
    if (observed.kind === "known" && observed.value === hash) return [];
    const objects = [
      ...users.map(({ name }) => `user ${name}`),
      ...vhosts.map((name) => `vhost ${name}`),
      ...policies.map(({ vhost, name }) => `policy ${vhost} ${name}`),
    ];
    const stamp = stampOf(node);
    return [
      {
        kind: observed.kind === "absent" ? "create" : "update",
        risk: "none",
        before: observed.kind === "absent" ? "" : "(other definitions)",
        after: [...objects, ...withoutUsers.map((name) => `no user ${name}`)].join("\n"),
        apply: sh`
reading=${READING}
trap 'rm -f "$reading"' EXIT
has_tables=
if dpkg --compare-versions "$(dpkg-query -W -f ${"${Version}"} rabbitmq-server)" ge ${IMPORTS_SINCE}; then
  has_tables=yes
  rabbitmqctl -q -n ${node} await_startup --timeout 300
  # From a file: with Erlang 26 and newer it waits for ever for its standard input.
  install -o rabbitmq -g rabbitmq -m 0400 ${payloadFile(document)} "$reading"
  rabbitmqctl -q -n ${node} import_definitions "$reading" --format json
else
${oneByOne(desired)}
fi
accounts=$(rabbitmqctl -q -n ${node} list_users \${has_tables:+--no-table-headers} | cut -f 1)
for name in ${withoutUsers}; do
  ! printf '%s\n' "$accounts" | grep -Fqx -e "$name" || rabbitmqctl -q -n ${node} delete_user "$name"
done
if [ -e ${stamp} ]; then
  sed -n 's/^had //p' ${stamp} | while read -r kind name more; do
    printf '%s\n' ${objects} | grep -Fqx -e "$kind $name\${more:+ $more}" && continue
    case $kind in
      user) rabbitmqctl -q -n ${node} delete_user "$name" < /dev/null ;;
      policy) rabbitmqctl -q -n ${node} clear_policy -p "$name" "$more" < /dev/null ;;
      vhost) echo "the virtual host $name is no longer asked for; it may hold messages and is kept" ;;
    esac
  done
fi
{ printf 'sha256 %s\n' ${hash}; printf 'had %s\n' ${objects}; } > ${`${stamp}.new`}
sync ${`${stamp}.new`}
mv -f ${`${stamp}.new`} ${stamp}`,
        undo: sh`
rm -f ${stamp}
${lines(users.map(({ name }) => sh`rabbitmqctl -q -n ${node} delete_user ${name} || echo ${`RabbitMQ kept the account ${name}`}`))}`,
        keptByRollback: true,
      },
    ];
  },
};

/**
 * The same for a broker that imports nothing, a call for each object.
 *
 * The program takes passwords as arguments and in no other way, so an account is made with one that nobody knows,
 * and the broker itself then reads the hashes from a file.
 */
function oneByOne({ node, vhosts, users, permissions, policies }: Objects): Script {
  const hashes = users.map(
    ({ name, password }) => `{<<"${name}">>, <<"${hashPassword(password, `${node} ${name}`)}">>}.\n`,
  );
  const expression = (file: string) =>
    `{ok, All} = file:consult("${file}"), ` +
    "[ok = rabbit_auth_backend_internal:change_password_hash(Name, base64:decode(Hash)) || {Name, Hash} <- All], ok.";
  return sh`
there=$(rabbitmqctl -q -n ${node} list_vhosts)
for name in ${vhosts}; do
  printf '%s\n' "$there" | grep -Fqx -e "$name" || rabbitmqctl -q -n ${node} add_vhost "$name"
done
there=$(rabbitmqctl -q -n ${node} list_users | cut -f 1)
for name in ${users.map(({ name }) => name)}; do
  printf '%s\n' "$there" | grep -Fqx -e "$name" ||
    rabbitmqctl -q -n ${node} add_user "$name" "$(head -c 24 /dev/urandom | base64)"
done
install -o rabbitmq -g rabbitmq -m 0400 ${payloadFile(new Secret(hashes.join("")))} "$reading"
rabbitmqctl -q -n ${node} eval ${expression(READING)}
${lines(users.map(({ name, tags }) => sh`rabbitmqctl -q -n ${node} set_user_tags ${name} ${tags}`))}
${lines(
  permissions.map(
    ({ user, vhost, configure, write, read }) =>
      sh`rabbitmqctl -q -n ${node} set_permissions -p ${vhost} ${user} ${configure} ${write} ${read}`,
  ),
)}
${lines(
  policies.map(
    ({ vhost, name, pattern, applyTo, priority, definition }) =>
      sh`rabbitmqctl -q -n ${node} set_policy -p ${vhost} --priority ${priority} --apply-to ${applyTo} ${name} ${pattern} ${JSON.stringify(definition)}`,
  ),
)}`;
}

/** The import document. The salt follows from the password, so that equal wishes give equal documents. */
function renderDefinitions({ node, vhosts, users, permissions, policies }: Objects): Secret {
  return new Secret(
    JSON.stringify({
      vhosts: vhosts.map((name) => ({ name })),
      users: users.map(({ name, password, tags }) => ({
        name,
        password_hash: hashPassword(password, `${node} ${name}`),
        hashing_algorithm: "rabbit_password_hashing_sha256",
        tags: tags.join(","),
      })),
      permissions,
      policies: policies.map(({ applyTo, ...policy }) => ({ ...policy, "apply-to": applyTo })),
    }),
  );
}

function hashPassword(password: Secret, context: string): string {
  const salt = createHash("sha256")
    .update(context)
    .update("\0")
    .update(password.reveal())
    .digest()
    .subarray(0, 4);
  return Buffer.concat([salt, createHash("sha256").update(salt).update(password.reveal()).digest()]).toString(
    "base64",
  );
}
