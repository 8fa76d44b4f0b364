import { RE2JS } from '@bufbuild/re2';

// What the platform's engine may be given: it takes up to the square of the length for the contract's patterns.
const MOST_CODE_UNITS = 1_024;

type Compiled = { platform: RegExp; re2: RE2JS };

/**
 * Makes a matcher of patterns that are valid in RE2 and mean the same in JavaScript, as those of the contract do: by the
 * platform's engine, which is some ten times as fast as RE2's, and by RE2's, which is linear, where a text is so long that
 * it could be meant to keep the platform's busy. Every pattern is compiled once and kept.
 */
export function createPatternMatcher(): (pattern: string, text: string) => boolean {
  const compiled = new Map<string, Compiled>();
  return (pattern, text) => {
    let matcher = compiled.get(pattern);
    if (!matcher) {
      matcher = { platform: new RegExp(pattern, 'u'), re2: RE2JS.compile(pattern) };
      compiled.set(pattern, matcher);
    }
    return (text.length <= MOST_CODE_UNITS ? matcher.platform : matcher.re2).test(text);
  };
}
