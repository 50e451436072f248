// Renders a component again only when a property changed; preact itself leaves this to its larger companion package.
import { Component, type ComponentType } from "preact";

export function memo<P extends object>(Inner: ComponentType<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const keys = Object.keys(next) as (keyof P)[];
      return keys.some((k) => !Object.is(next[k], (this.props as P)[k]));
    }

    override render() {
      return <Inner {...(this.props as P)} />;
    }
  };
}
