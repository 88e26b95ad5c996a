//! Where claviger's files are on this OS; CLAVIGER_* variables override. Reads the environment once.
use std::path::PathBuf;

/// The places of the design's table "Files".
#[derive(Clone, Debug)]
pub struct Places {
    /// The user's home.
    pub home: PathBuf,
    /// CLAVIGER_CONFIG, else $XDG_CONFIG_HOME/claviger/config.toml.
    pub config: PathBuf,
    /// CLAVIGER_STATE_DIR, else $XDG_STATE_HOME/claviger.
    pub state: PathBuf,
    /// CLAVIGER_DATA_DIR, else $XDG_DATA_HOME/claviger.
    pub data: PathBuf,
    /// CLAVIGER_SOCKET, else $XDG_RUNTIME_DIR/claviger/agent.sock, else ~/.ssh/agent/claviger.sock.
    pub socket: PathBuf,
}

/// Finds them; an error says which variable is missing or not absolute.
pub fn places() -> Result<Places, String> {
    todo!()
}
