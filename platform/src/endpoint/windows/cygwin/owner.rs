//! Whose a connection over loopback is, by the kernel's table of connections: nothing that a client sends says it.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, MIB_TCPROW_OWNER_PID, TCP_TABLE_CLASS, TCP_TABLE_OWNER_PID_CONNECTIONS,
    TCP_TABLE_OWNER_PID_LISTENER,
};
use windows_sys::Win32::Networking::WinSock::AF_INET;

/// The table grows while it is asked for; more often than this, something else is wrong.
const TRIES: usize = 10;
/// In bytes: some hundred thousand connections.
const LONGEST: u32 = 16 * 1024 * 1024;
/// Words of one row.
const ROW: usize = size_of::<MIB_TCPROW_OWNER_PID>() / size_of::<u32>();

/// The process at `client` of the connection to `own`; `None` if the kernel does not know, as of one that is gone (and under
/// Wine of one that has not said anything yet).
pub(super) fn client(own: SocketAddrV4, client: SocketAddrV4) -> io::Result<Option<u32>> {
    // Each end is a row of its own; the client's has our side as the remote one.
    let wanted = [
        address(*client.ip()),
        port(client.port()),
        address(*own.ip()),
        port(own.port()),
    ];
    pid(TCP_TABLE_OWNER_PID_CONNECTIONS, |row| {
        [row[1], row[2] & 0xffff, row[3], row[4] & 0xffff] == wanted
    })
}

/// The process that listens at `number` of loopback.
pub(super) fn listener(number: u16) -> io::Result<Option<u32>> {
    pid(TCP_TABLE_OWNER_PID_LISTENER, |row| {
        row[2] & 0xffff == port(number) && [address(Ipv4Addr::LOCALHOST), 0].contains(&row[1])
    })
}

/// The number that no process has, and that of those that Windows itself would have, mean that it is not known.
fn pid(class: TCP_TABLE_CLASS, is_it: impl Fn(&[u32; ROW]) -> bool) -> io::Result<Option<u32>> {
    let table = table(class)?;
    let (rows, _) = table.as_chunks::<ROW>();
    let found = rows.iter().find(|row| is_it(row));
    Ok(found.map(|row| row[5]).filter(|&pid| pid != 0))
}

/// The rows, as words in the order of `MIB_TCPROW_OWNER_PID`: state, local address and port, remote ones, process.
fn table(class: TCP_TABLE_CLASS) -> io::Result<Vec<u32>> {
    let mut length = 0;
    for _ in 0..TRIES {
        let mut words = vec![0_u32; (length as usize).div_ceil(size_of::<u32>())];
        let place = if words.is_empty() {
            null_mut()
        } else {
            words.as_mut_ptr()
        };
        // SAFETY: the buffer is writable over the length given, or null with the length nought.
        let failed =
            unsafe { GetExtendedTcpTable(place.cast(), &mut length, 0, u32::from(AF_INET), class, 0) };
        match failed {
            // The first word counts the rows behind it.
            NO_ERROR if !words.is_empty() => {
                let rows = (words[0] as usize).min((words.len() - 1) / ROW);
                return Ok(words[1..][..rows * ROW].to_vec());
            }
            NO_ERROR => return Ok(Vec::new()),
            ERROR_INSUFFICIENT_BUFFER if length <= LONGEST => {}
            error => return Err(io::Error::from_raw_os_error(error.cast_signed())),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// In the network's order of bytes, as the table has it.
fn address(ip: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(ip.octets())
}

/// In the network's order of bytes, in the lower half.
fn port(number: u16) -> u32 {
    u32::from(number.to_be())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};

    #[test]
    fn both_ends_of_a_connection_are_found() {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(own) = listening.local_addr().unwrap() else {
            panic!("not IPv4");
        };
        let mut stream = TcpStream::connect(own).unwrap();
        let (mut accepted, from) = listening.accept().unwrap();
        // Wine knows whose a socket is once it was used.
        stream.write_all(b"!").unwrap();
        accepted.read_exact(&mut [0]).unwrap();
        let SocketAddr::V4(from) = from else {
            panic!("not IPv4");
        };
        let me = Some(std::process::id());
        assert_eq!(client(own, from).unwrap(), me);
        // Nor does Wine ever know it of one that only listens.
        assert!([me, None].contains(&listener(own.port()).unwrap()));
        drop(listening);
        assert_eq!(listener(own.port()).unwrap(), None);
        let nowhere = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        assert_eq!(client(own, nowhere).unwrap(), None);
    }
}
