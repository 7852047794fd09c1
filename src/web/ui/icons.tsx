/**
 * Icons, drawn on a field of 24 by 24. They are decoration: what a button does stands in its label.
 */
const PATHS = {
  add: "M12 5v14M5 12h14",
  attach: "M20 11.5l-8.2 8.2a5 5 0 0 1-7-7l8.9-9a3.4 3.4 0 0 1 4.8 4.8l-8.9 9a1.7 1.7 0 0 1-2.4-2.4l8.2-8.2",
  back: "M15 5l-7 7 7 7",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM5 15V4h10",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11m-5-4l5 5 5-5M5 20h14",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  emoji: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.5c1 1.5 2.1 2 3.5 2s2.5-.5 3.5-2M9 9.5v.1M15 9.5v.1",
  file: "M6 3h8l4 4v14H6zM14 3v5h4",
  hand: "M8 12V6a1.5 1.5 0 0 1 3 0v5V4.5a1.5 1.5 0 0 1 3 0V11V6a1.5 1.5 0 0 1 3 0v8a7 7 0 0 1-7 7c-3 0-4-2-6-6-1-2 1-3 2.5-1.5L8 15",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.1",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  members:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.2.8 3.5 2.7 3.5 5.5",
  menu: "M4 7h16M4 12h16M4 17h16",
  microphone: "M12 15a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3zM6 11v1a6 6 0 0 0 12 0v-1M12 18v3",
  more: "M5 12v.1M12 12v.1M19 12v.1",
  muted: "M6 16V11a6 6 0 0 1 10-4.5M18 10v6l1.5 2h-13M10 20.5h4M4 3l16 18",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  poll: "M5 20v-7M12 20V4M19 20v-11",
  react: "M12 21a9 9 0 1 1 6-15.7M8.5 14.5c1 1.5 2.1 2 3.5 2s2.5-.5 3.5-2M9 9.5v.1M15 9.5v.1M19 8v6M16 11h6",
  reply: "M9 6l-5 5 5 5M4 11h9c4 0 7 2 7 7",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  send: "M4 12L3 4l18 8-18 8zM4 12h9",
  settings: "M4 7h9M17 7h3M15 4.5v5M4 17h3M11 17h9M9 14.5v5",
  stop: "M7 7h10v10H7z",
  text: "M6 8V5h12v3M12 5v14M9 19h6",
  thread: "M4 5h16v11H11l-4 4v-4H4zM8 9h8M8 12h5",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  warning: "M12 4l9 16H3zM12 10v5M12 17.5v.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: (event: MouseEvent) => void;
  readonly class?: string;
  readonly isPressed?: boolean;
  readonly isDisabled?: boolean;
}

export function IconButton({
  icon,
  label,
  onClick,
  isPressed,
  isDisabled,
  class: style = "",
}: IconButtonProps) {
  return (
    <button
      type="button"
      class={`icon-button ${style}`}
      aria-label={label}
      title={label}
      aria-pressed={isPressed}
      disabled={isDisabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
