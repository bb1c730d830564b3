//! Sockets by `netstat2` and processes by `sysinfo`, which know macOS, Windows and others.
//!
//! `netstat2` does not tell the far end of a connected UDP socket, so such a one is found by its own
//! port only.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use netstat2::{AddressFamilyFlags, ProtocolFlags, ProtocolSocketInfo, SocketInfo, TcpState};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind, Users};

use super::{HostSocket, Inventory, Process, State, Wanted, canonical};
use portstory_core::{Timestamp, Transport};

pub(super) fn sockets(wanted: &Wanted<'_>) -> io::Result<Inventory> {
    let found = netstat2::iterate_sockets_info(
        AddressFamilyFlags::IPV4 | AddressFamilyFlags::IPV6,
        ProtocolFlags::TCP | ProtocolFlags::UDP,
    )
    .map_err(|error| io::Error::other(error.to_string()))?;
    let mut rows: Vec<(HostSocket, Vec<u32>)> = Vec::new();
    // One that goes while it is looked at is no reason to tell nothing of the others.
    for info in found.flatten() {
        let socket = row(&info);
        if wanted(socket.transport, socket.local, socket.remote) {
            rows.push((socket, info.associated_pids));
        }
    }
    let pids: Vec<Pid> = rows.iter().flat_map(|(_, pids)| pids).map(|&pid| of(pid)).collect();
    let processes = look_at(&pids);
    let sockets = rows.into_iter().map(|(socket, pids)| {
        let known = |pid: u32| {
            // One that may not be looked into has at least its number.
            let unknown = || Process { pid, ..Process::default() };
            processes.get(&pid).cloned().unwrap_or_else(unknown)
        };
        HostSocket { processes: pids.into_iter().map(known).collect(), ..socket }
    });
    Ok(Inventory { sockets: sockets.collect(), unseen: Vec::new() })
}

fn row(info: &SocketInfo) -> HostSocket {
    let (transport, local, remote, state) = match &info.protocol_socket_info {
        ProtocolSocketInfo::Tcp(tcp) => (
            Transport::Tcp,
            SocketAddr::new(tcp.local_addr, tcp.local_port),
            Some(SocketAddr::new(tcp.remote_addr, tcp.remote_port)),
            tcp_state(tcp.state),
        ),
        ProtocolSocketInfo::Udp(udp) => (
            Transport::Udp,
            SocketAddr::new(udp.local_addr, udp.local_port),
            None,
            State::Unconnected,
        ),
    };
    HostSocket {
        transport,
        local: canonical(local),
        remote: remote.map(canonical).filter(|remote| remote.port() != 0),
        state,
        namespace: None,
        processes: Vec::new(),
        notes: Vec::new(),
    }
}

const fn tcp_state(state: TcpState) -> State {
    match state {
        TcpState::Established => State::Established,
        TcpState::Listen => State::Listen,
        TcpState::SynSent => State::Opening("SYN-SENT"),
        TcpState::SynReceived => State::Opening("SYN-RECV"),
        TcpState::FinWait1 => State::Closing("FIN-WAIT-1"),
        TcpState::FinWait2 => State::Closing("FIN-WAIT-2"),
        TcpState::TimeWait => State::Closing("TIME-WAIT"),
        TcpState::Closed => State::Closing("CLOSE"),
        TcpState::CloseWait => State::Closing("CLOSE-WAIT"),
        TcpState::LastAck => State::Closing("LAST-ACK"),
        TcpState::Closing => State::Closing("CLOSING"),
        TcpState::DeleteTcb => State::Closing("DELETE-TCB"),
        TcpState::Unknown => State::Closing("UNKNOWN"),
    }
}

fn of(pid: u32) -> Pid {
    Pid::from_u32(pid)
}

fn look_at(pids: &[Pid]) -> BTreeMap<u32, Process> {
    let mut system = System::new();
    let wanted = ProcessRefreshKind::nothing()
        .with_cmd(UpdateKind::Always)
        .with_exe(UpdateKind::Always)
        .with_user(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(pids), true, wanted);
    let users = Users::new_with_refreshed_list();
    let mut processes = BTreeMap::new();
    for &pid in pids {
        let Some(process) = system.process(pid) else { continue };
        let account = process.user_id().and_then(|id| users.get_user_by_id(id));
        processes.insert(
            pid.as_u32(),
            Process {
                pid: pid.as_u32(),
                name: process.name().to_string_lossy().into_owned(),
                executable: process.exe().map(|path| path.to_string_lossy().into_owned()),
                command_line: process
                    .cmd()
                    .iter()
                    .map(|word| word.to_string_lossy().into_owned())
                    .collect(),
                user: account.map(|account| account.name().to_owned()),
                started: i64::try_from(process.start_time())
                    .ok()
                    .map(|seconds| Timestamp::from_parts(seconds, 0)),
                ..Process::default()
            },
        );
    }
    processes
}
