/** The demo data that the tests use. */

export const PASSWORD = 'developer-zone-demo';

/** The name of the session cookie over plain HTTP. */
export const SESSION_COOKIE = 'developer-zone-session';

/** Member of all five organisations; none is selected at first. */
export const ADMIN = 'admin@example.com';
/** Member of 903 only, with the role user. */
export const MEMBER = 'member@example.com';
/** Member of 904 only. */
export const OTHER = 'other@example.com';
/** Member of 907 only, which is on the Trial plan. */
export const TRIAL = 'trial@example.com';

/** Summit Races, Enterprise. */
export const SUMMIT = 903;
/** Harbour Events, Enterprise. */
export const HARBOUR = 904;
/** First Steps, Trial. */
export const FIRST_STEPS = 907;

/** The organisations whose plan does not include the Developer Zone. */
export const LOCKED = [
  { id: 905, name: 'City Runners', plan: 'Pro' },
  { id: 906, name: 'Wedding Lens', plan: 'Pay As You Go' },
  { id: 907, name: 'First Steps', plan: 'Trial' },
] as const;

/** An event of 903 with all features on. */
export const EVENT = 456;
