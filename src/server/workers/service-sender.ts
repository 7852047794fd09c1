/**
 * From the committed stream to application services, off every request's path: a lane for each that has an address.
 */
import type { Services } from "../service/services.js";
import { ServiceLane, type LaneNeeds } from "./service-lane.js";

export class ServiceSender {
  readonly #lanes: ReadonlyMap<string, ServiceLane>;

  /** @param isShared whether other nodes work on the same database */
  constructor(services: LaneNeeds & Pick<Services, "appServices">, isShared: boolean) {
    const { appServices, presence, store, typing } = services;
    const reachable = appServices.all.filter(({ url }) => url !== null);
    this.#lanes = new Map(
      reachable.map((service) => [service.id, new ServiceLane(service, services, isShared)]),
    );
    if (this.#lanes.size === 0) return;
    const each = (tell: (lane: ServiceLane) => void) => this.#lanes.forEach(tell);
    store.onChanges((changes) => each((lane) => lane.hear(changes)));
    store.onGap(() => each((lane) => lane.nudge()));
    typing.onChange((roomId) => each((lane) => lane.typed(roomId)));
    presence.onChange((userId) => each((lane) => lane.changedPresence(userId)));
    appServices.onAlive((id) => this.#lanes.get(id)?.retry());
  }

  start(): void {
    for (const lane of this.#lanes.values()) lane.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()));
  }
}
