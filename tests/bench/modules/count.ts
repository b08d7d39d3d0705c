// A plug-in of the smallest useful kind: its result is how many hosts and secrets the daemon granted.

@external("palyra:plugins/host-capabilities@0.1.0", "http-count")
declare function httpCount(): i32;

@external("palyra:plugins/host-capabilities@0.1.0", "secret-count")
declare function secretCount(): i32;

export function run(): i32 {
  return httpCount() + secretCount();
}
