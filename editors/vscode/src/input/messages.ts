/** What the view of *Run Tool* and the extension tell each other. */

/** To the view: the tool and what to begin with. */
export interface Opened {
  readonly schema: unknown;
  readonly text: string;
  /** Whether the tool was called with it before. */
  readonly remembered: boolean;
}

/** To the view: whether the tool runs now. */
export interface Running {
  readonly running: boolean;
}

/** To the view: what the call came to, as HTML of our own making; empty where it came to nothing. */
export interface Came {
  readonly result: string;
}

/** From the view. To run is with a text. */
export type Wish = { readonly ready: true } | { readonly run: string } | { readonly json: true } | { readonly rule: string };
