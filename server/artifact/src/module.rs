//! What a WebAssembly module or component is and asks for, by parsing alone.
