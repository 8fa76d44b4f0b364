/** `bytes`: of the body as it came. */
export type RestAnswer = { status: number; headers: Headers; body: unknown; bytes: number };

/** A REST call; the body is sent as it is, without a content type, as `curl -d` with a bare string would not mind. */
export async function restCall(
  url: string,
  { method = 'GET', token, body, headers = {} }: RestOptions = {},
): Promise<RestAnswer> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
    bytes: Buffer.byteLength(text),
  };
}

export type RestOptions = {
  method?: string;
  token?: string;
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
};
