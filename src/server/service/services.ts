/**
 * Everything that handlers work with, made once at the start.
 */
import type { ServerConfig } from "../../shared/server-config.js";
import type { Log } from "../runtime/log.js";
import { Outbound } from "../runtime/outbound.js";
import { PasswordHasher } from "../runtime/password.js";
import { loadAppServices } from "../load-app-services.js";
import type { Store } from "../store/store.js";
import { Accounts } from "./accounts.js";
import { AppServices } from "./app-services.js";
import { BoardWatch } from "./board-watch.js";
import { CarryOver } from "./carry-over.js";
import { CrossSigning } from "./cross-signing.js";
import { DelayedEvents } from "./delayed-events.js";
import { DeviceLists } from "./device-lists.js";
import { Directory } from "./directory.js";
import { History } from "./history.js";
import { InteractiveAuth } from "./interactive-auth.js";
import { InvitePermission } from "./invite-permission.js";
import { Media } from "./media.js";
import { Memberships } from "./memberships.js";
import { Metrics } from "./metrics.js";
import { Notices } from "./notices.js";
import { Operator } from "./operator.js";
import { Notifications } from "./notifications.js";
import { Presence } from "./presence.js";
import { Profiles } from "./profiles.js";
import { PushDelivery } from "./push-delivery.js";
import { PushGateway } from "./push-gateway.js";
import { PushRules } from "./push-rules.js";
import { Pushers } from "./pushers.js";
import { RateLimits } from "./rate-limits.js";
import { RegistrationTokens } from "./registration-tokens.js";
import { Relations } from "./relations.js";
import { Retention } from "./retention.js";
import { RoomAdministration } from "./room-administration.js";
import { Rooms } from "./rooms.js";
import { Searches } from "./search.js";
import { Sessions } from "./sessions.js";
import { SlidingExtensions } from "./sliding-extensions.js";
import { SlidingListKeeper } from "./sliding-list-keeper.js";
import { SlidingNaming } from "./sliding-naming.js";
import { SlidingRooms } from "./sliding-rooms.js";
import { SlidingSync } from "./sliding-sync.js";
import { Spaces } from "./spaces.js";
import { Stream } from "./stream.js";
import { Summaries } from "./summaries.js";
import { SyncRooms } from "./sync-rooms.js";
import { Sync } from "./sync.js";
import { Tags } from "./tags.js";
import { Transactions } from "./transactions.js";
import { Typing } from "./typing.js";
import { UnreadCounts } from "./unread.js";
import { UnreadTotals } from "./unread-totals.js";
import { UrlPreviews } from "./url-previews.js";
import { Verdicts } from "./verdicts.js";
import { Welcome } from "./welcome.js";
import { RoomUpgrades } from "./upgrade-room.js";

export async function openServices(config: ServerConfig, store: Store, log: Log) {
  const appServices = new AppServices(await loadAppServices(config), store, log);
  await appServices.prepare();
  const stream = await Stream.open(store);
  const rooms = new Rooms(store, config.serverName, config.limits.roomsInMemory);
  const profiles = new Profiles(store, rooms);
  const sessions = new Sessions(store, new PasswordHasher(config.passwordHash), config.serverName);
  const pushRules = new PushRules(store);
  const carryOver = new CarryOver(store, rooms, pushRules);
  const invitePermission = new InvitePermission(store, pushRules);
  const memberships = new Memberships(store, rooms, profiles, appServices, carryOver, invitePermission);
  const roomAdministration = new RoomAdministration(store, rooms, config.bus.kind);
  const media = new Media(store, config);
  const history = new History(store, pushRules, invitePermission);
  const relations = new Relations(store, history);
  const typing = new Typing(stream);
  const verdicts = new Verdicts(rooms, pushRules, invitePermission);
  const unread = new UnreadCounts(store, verdicts);
  const summaries = new Summaries(store);
  const txns = await Transactions.open(store);
  const deviceLists = new DeviceLists(store);
  const { timelineEvents, slidingRoomsInMemory } = config.limits;
  const syncRooms = new SyncRooms(store, history, typing, unread, summaries, relations, timelineEvents);
  const outbound = new Outbound(config.push.allowedNetworks);
  const pushGateway = new PushGateway(store, outbound);
  const pushDelivery = new PushDelivery(store, outbound, pushGateway, config.publicBaseUrl);
  const metrics = new Metrics();
  const presence = new Presence(stream, log, config.presence.enabled);
  return {
    config,
    store,
    log,
    stream,
    rooms,
    profiles,
    sessions,
    history,
    relations,
    typing,
    pushRules,
    memberships,
    invitePermission,
    appServices,
    carryOver,
    accounts: new Accounts(store, sessions, memberships, config),
    roomAdministration,
    retention: new Retention(store, roomAdministration, media, config.retention),
    notices: new Notices(store, rooms, profiles, config),
    operator: new Operator(config, log),
    registrationTokens: new RegistrationTokens(store, config.registration.tokenFile),
    welcome: new Welcome(config),
    presence,
    searches: new Searches(store, history, relations),
    tags: new Tags(store),
    verdicts,
    unread,
    totals: new UnreadTotals(store, stream, unread),
    notifications: new Notifications(store, history, verdicts, unread),
    pushGateway,
    pushDelivery,
    pushers: new Pushers(store, outbound, pushDelivery, log),
    crossSigning: new CrossSigning(store),
    upgrades: new RoomUpgrades(store, rooms, profiles, carryOver),
    media,
    urlPreviews: new UrlPreviews(media, log, config.previews),
    spaces: new Spaces(store, rooms),
    directory: new Directory(store, rooms, appServices, config.serverName),
    sync: new Sync(store, stream, typing, syncRooms, pushRules, deviceLists, presence),
    slidingSync: new SlidingSync(
      { store, stream, typing },
      new SlidingListKeeper(store, stream),
      new SlidingRooms(
        store,
        history,
        relations,
        unread,
        new SlidingNaming(store, summaries),
        timelineEvents,
      ),
      new SlidingExtensions(store, typing, pushRules, deviceLists),
      slidingRoomsInMemory,
    ),
    txns,
    delayedEvents: new DelayedEvents(store, rooms, txns, log, config.limits),
    limits: new RateLimits(config.rateLimits),
    interactiveAuth: new InteractiveAuth(),
    metrics,
    watch: new BoardWatch({ store, metrics, stream, config }),
  };
}

export type Services = Awaited<ReturnType<typeof openServices>>;
