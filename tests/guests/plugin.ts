// A plugin in AssemblyScript, the kind that a daemon 0.1.0 runs: it sums the numbers of its first grants.

@external("palyra:plugins/host-capabilities@0.1.0", "http-count")
declare function httpCount(): i32;
@external("palyra:plugins/host-capabilities@0.1.0", "http-handle")
declare function httpHandle(place: i32): i32;
@external("palyra:plugins/host-capabilities@0.1.0", "secret-handle")
declare function secretHandle(place: i32): i32;

export function run(): i32 {
  let sum = 0;
  for (let place = 0; place < httpCount(); place++) sum += httpHandle(place);
  const secret = secretHandle(0);
  return secret < 0 ? sum : sum + secret;
}
