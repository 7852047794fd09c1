import { useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons.jsx";

export interface MenuItem {
  readonly label: string;
  readonly icon: IconName;
  readonly isDangerous?: boolean;
  readonly onChoose: () => void;
}

export interface MenuProps {
  readonly label: string;
  /** None while nobody sees the button. */
  readonly icon: IconName | undefined;
  readonly items: readonly MenuItem[];
}

/**
 * A button that opens a menu. Arrow keys move, Escape closes and gives the focus back.
 * Source: ARIA Authoring Practices Guide, "Menu Button Pattern".
 */
export function Menu({ label, icon, items }: MenuProps) {
  const isOpen = useSignal(false);
  const isDown = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = (isFocusing: boolean) => {
    isOpen.value = false;
    if (isFocusing) button.current?.focus();
  };

  useLayoutEffect(() => {
    if (!isOpen.value) return undefined;
    list.current?.querySelector("button")?.focus();
    const onOutside = (event: Event) => {
      const isWithin = [list, button].some(
        ({ current }) => event.target instanceof Node && current?.contains(event.target) === true,
      );
      if (!isWithin) close(false);
    };
    addEventListener("pointerdown", onOutside, true);
    return () => removeEventListener("pointerdown", onOutside, true);
  }, [isOpen.value]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen.value) return;
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.findIndex((it) => it === document.activeElement);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: (at + 1) % buttons.length,
      ArrowUp: (at - 1 + buttons.length) % buttons.length,
      Home: 0,
      End: buttons.length - 1,
    };
    const next = steps[event.key];
    if (next !== undefined) {
      event.preventDefault();
      buttons[next]?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.stopPropagation();
      close(event.key === "Escape");
    }
  };

  return (
    <span
      class={`menu ${isOpen.value ? "is-open" : ""} ${isDown.value ? "is-down" : ""}`}
      onKeyDown={onKeyDown}
    >
      <button
        ref={button}
        type="button"
        class="icon-button"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        aria-controls={isOpen.value ? id : undefined}
        onClick={() => {
          // Where there is more room.
          isDown.value = (button.current?.getBoundingClientRect().top ?? 0) < innerHeight / 2;
          isOpen.value = !isOpen.value;
        }}
      >
        {icon !== undefined && <Icon name={icon} />}
      </button>
      {isOpen.value && (
        <div ref={list} id={id} role="menu" aria-label={label}>
          {items.map((item) => (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={item.isDangerous === true ? "danger" : ""}
              onClick={() => {
                close(true);
                item.onChoose();
              }}
            >
              <Icon name={item.icon} />
              {item.label}
            </button>
          ))}
        </div>
      )}
    </span>
  );
}
