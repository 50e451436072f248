// The one icon set: 20 by 20, 1.6 px strokes in the text's colour. Icons stand beside words, so they are hidden from readers.
import type { ComponentChildren } from "preact";

const shapes = {
  home: <path d="M3.5 9 10 3.5 16.5 9v7.5h-4.5v-4h-4v4H3.5z" />,
  stack: <path d="M10 3 3 6.5l7 3.5 7-3.5zM3 10l7 3.5L17 10M3 13.5 10 17l7-3.5" />,
  wallet: <path d="M3.5 6.5h12a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1zm0 0a2 2 0 0 1 2-2h8v2M13 11.5h.5" />,
  pool: <path d="M5 3.5h10M5 16.5h10M6 3.5c0 4 4 4.5 4 6.5s-4 2.5-4 6.5M14 3.5c0 4-4 4.5-4 6.5s4 2.5 4 6.5" />,
  connections: <path d="M10 6.5v3M8.7 11.5 6 13.7M11.3 11.5l2.7 2.2M10 2.8a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6M4.6 13a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6M15.4 13a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6" />,
  log: <path d="M3 4h14v12H3zM6 8l2 2-2 2M10.5 12.5H14" />,
  list: <path d="M7.5 5.5H17M7.5 10H17M7.5 14.5H17M3.5 5.5h.5M3.5 10h.5M3.5 14.5h.5" />,
  plug: <path d="M7 3v4M13 3v4M5 7h10v2.5a5 5 0 0 1-10 0zM10 14.5V17" />,
  send: <path d="M17 3 9 11M17 3l-5 14-3-6-6-3z" />,
  dice: <path d="M4 4h12v12H4zM7.5 7.5h.01M12.5 7.5h.01M10 10h.01M7.5 12.5h.01M12.5 12.5h.01" />,
  copy: <path d="M7 7h9v9H7zM13 7V4H4v9h3" />,
  check: <path d="m4 10.5 4 4 8-9" />,
  cross: <path d="m5 5 10 10M15 5 5 15" />,
  warn: <path d="M10 3.5 17.5 16.5h-15zM10 8.5v3.5M10 14.3v.01" />,
  down: <path d="M10 4v12M5 11l5 5 5-5" />,
  left: <path d="M12.5 4 6.5 10l6 6" />,
  right: <path d="m7.5 4 6 6-6 6" />,
  pause: <path d="M7 4.5v11M13 4.5v11" />,
  play: <path d="m6 4 10 6-10 6z" />,
  sun: <path d="M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1" />,
  moon: <path d="M16 12.2A6.5 6.5 0 0 1 7.8 4 6.5 6.5 0 1 0 16 12.2z" />,
  auto: <path d="M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 3v14M10 6.5l4.5-.5M10 10h7M10 13.5l4.5.5" />,
  clock: <path d="M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 6v4l2.5 2" />,
  plus: <path d="M10 4v12M4 10h12" />,
  fork: <path d="M6 17V9M6 13c4 0 7-1 7-5V7M6 3.5a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4M13 3.5a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4M6 7v2" />,
  key: <path d="M7 8.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM9.5 9.5 16 3M13 6l2.5 2.5" />,
} satisfies Record<string, ComponentChildren>;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  );
}

/** The product's mark: a wedge with three holes. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path class="mark-top" d="M3 18 24 5c3 1.5 5 5 5 9v4z" />
      <path class="mark-side" d="M3 18h26v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1z" />
      <g class="mark-hole">
        <circle cx="20" cy="13" r="2.2" /><circle cx="10" cy="22.5" r="1.8" /><circle cx="21" cy="22.5" r="2.2" />
      </g>
    </svg>
  );
}
