import { attempt } from "./toasts.jsx";

export interface SwitchProps {
  readonly label: string;
  readonly isOn: boolean;
  readonly isDisabled?: boolean;
  readonly onChange: (isOn: boolean) => Promise<unknown>;
}

export function Switch({ label, isOn, isDisabled = false, onChange }: SwitchProps) {
  return (
    <label class="choice">
      <input
        type="checkbox"
        checked={isOn}
        disabled={isDisabled}
        onChange={({ currentTarget }) => {
          const wanted = currentTarget.checked;
          // It shows what is so, and not what was asked for.
          currentTarget.checked = isOn;
          attempt(onChange(wanted));
        }}
      />
      <span>{label}</span>
    </label>
  );
}

export interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly isDisabled?: boolean;
  readonly onChange: (value: string) => Promise<unknown>;
}

export function Choice({ label, value, options, isDisabled = false, onChange }: ChoiceProps) {
  return (
    <label>
      {label}
      <select
        value={value}
        disabled={isDisabled}
        onChange={({ currentTarget }) => {
          const wanted = currentTarget.value;
          currentTarget.value = value;
          attempt(onChange(wanted));
        }}
      >
        {options.every(([known]) => known !== value) && <option value={value}>{value}</option>}
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
