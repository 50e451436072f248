// A labelled text field with its hint and its error beside it.
import type { ComponentChildren } from "preact";
import { Icon } from "./icons";

export function Field(p: {
  id: string; label: string; value: string; onInput: (v: string) => void; onBlur?: () => void; hint?: ComponentChildren; error?: string;
  unit?: string; placeholder?: string; testid?: string; numeric?: boolean; mono?: boolean; labelHidden?: boolean;
}) {
  const described = [p.hint && `${p.id}-hint`, p.error && `${p.id}-error`].filter(Boolean).join(" ");
  return (
    <div class={`field ${p.error ? "has-error" : ""}`}>
      <label for={p.id} class={p.labelHidden ? "sr-only" : ""}>{p.label}</label>
      <div class="control">
        <input
          id={p.id} type="text" value={p.value} onInput={(e) => p.onInput(e.currentTarget.value)} onBlur={p.onBlur}
          inputMode={p.numeric ? "decimal" : undefined} autocomplete="off" autocapitalize="off" spellcheck={false}
          aria-invalid={p.error ? true : undefined} aria-describedby={described || undefined} placeholder={p.placeholder}
          data-testid={p.testid} class={p.mono ? "mono" : ""} maxLength={200}
        />
        {p.unit && <span class="control-unit" aria-hidden="true">{p.unit}</span>}
      </div>
      {p.error && <p class="field-error" id={`${p.id}-error`} role="alert"><Icon name="warn" size={16} />{p.error}</p>}
      {p.hint && <p class="hint" id={`${p.id}-hint`}>{p.hint}</p>}
    </div>
  );
}
