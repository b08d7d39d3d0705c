//! Sockets are there so that components which name them link; each attempt to make one is refused and told.

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{self, ResolveAddressStream};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress, IpAddressFamily, Network};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{DynPollable, SocketError, SocketResult, TcpSocket, UdpSocket};

use super::ending::Base;
use crate::call::Decision;

/// A part of a store's data.
pub(super) struct Refusing;

/// See above.
pub(super) struct RefusingView<'a> {
    pub(super) base: &'a mut Base,
    pub(super) table: &'a mut ResourceTable,
}

impl HasData for Refusing {
    type Data<'a> = RefusingView<'a>;
}

impl RefusingView<'_> {
    fn refuse(&mut self, name: &str, arguments: String) -> SocketError {
        let why = "a tool has no sockets; `capabilities.http_egress_allowlist` lets it ask hosts over HTTP";
        self.base.end(name, arguments, Decision::Denied(why.to_owned()), self.base.at_ms());
        ErrorCode::AccessDenied.into()
    }
}

fn family(family: IpAddressFamily) -> String {
    match family {
        IpAddressFamily::Ipv4 => "IPv4".to_owned(),
        IpAddressFamily::Ipv6 => "IPv6".to_owned(),
    }
}

impl network::Host for RefusingView<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    // No stream of a socket is ever there to fail.
    fn network_error_code(&mut self, _: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(None)
    }
}

impl network::HostNetwork for RefusingView<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        self.table.delete(network)?;
        Ok(())
    }
}

impl tcp_create_socket::Host for RefusingView<'_> {
    fn create_tcp_socket(&mut self, of: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        Err(self.refuse("tcp-socket", family(of)))
    }
}

impl udp_create_socket::Host for RefusingView<'_> {
    async fn create_udp_socket(&mut self, of: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        Err(self.refuse("udp-socket", family(of)))
    }
}

impl ip_name_lookup::Host for RefusingView<'_> {
    fn resolve_addresses(
        &mut self,
        _: Resource<Network>,
        name: String,
    ) -> SocketResult<Resource<ResolveAddressStream>> {
        Err(self.refuse("resolve-addresses", name))
    }
}

// There is never a stream of addresses.
impl ip_name_lookup::HostResolveAddressStream for RefusingView<'_> {
    fn resolve_next_address(&mut self, _: Resource<ResolveAddressStream>) -> SocketResult<Option<IpAddress>> {
        Err(ErrorCode::InvalidState.into())
    }

    fn subscribe(&mut self, _: Resource<ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        Err(wasmtime::Error::msg("there is no such stream of addresses"))
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}
