;; A daemon calls `run`; what it returns is the result of the tool. It gets no input.
(module
  ;; How many hosts and secrets the manifest asks for and a daemon granted; `http-handle` and `secret-handle`, both
  ;; `(param i32) (result i32)`, give the handle of each.
  (import "palyra:plugins/host-capabilities@0.1.0" "http-count" (func $http_count (result i32)))
  (import "palyra:plugins/host-capabilities@0.1.0" "secret-count" (func $secret_count (result i32)))
  (func (export "run") (result i32)
    call $http_count
    call $secret_count
    i32.add))
