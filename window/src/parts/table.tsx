// A table that turns into a list of cards on a narrow screen. The roles are written out, because changing `display`
// would otherwise take the table away from screen readers.
import type { ComponentChildren } from "preact";

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  /** Numbers stand at the right. */
  end?: boolean;
  /** The column that names the row: the card's headline on a narrow screen. */
  head?: boolean;
  /** The title is for screen readers only. */
  silent?: boolean;
}

/** Six columns need more room before they stand side by side. */
const MANY = 6;

export function Table<T>(p: { label: string; columns: Column<T>[]; rows: readonly T[]; id: (row: T) => string | number; row?: (row: T) => string }) {
  return (
    <div class={`table-wrap ${p.columns.length >= MANY ? "many" : ""}`}><table class="table" role="table" aria-label={p.label}>
      <thead role="rowgroup">
        <tr role="row">
          {p.columns.map((c) => (
            <th key={c.title} role="columnheader" scope="col" class={c.end ? "end" : ""}>
              {c.silent ? <span class="sr-only">{c.title}</span> : c.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {p.rows.map((row) => (
          <tr key={p.id(row)} role="row" class={p.row?.(row) ?? ""}>
            {p.columns.map((c) => (
              <td key={c.title} role="cell" class={`${c.end ? "end" : ""} ${c.head ? "head" : ""} ${c.silent ? "silent" : ""}`}>
                <span class="cell-title" aria-hidden="true">{c.title}</span>
                <span class="cell">{c.cell(row)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table></div>
  );
}
