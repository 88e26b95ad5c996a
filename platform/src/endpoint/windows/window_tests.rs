//! Pageant's window as its clients use it, honest ones and others. One test: a session has one such window.

use super::super::{Bound, random};
use super::*;
use crate::windows::descriptor::Descriptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use windows_sys::Win32::Foundation::{ERROR_INVALID_OWNER, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Memory::{CreateFileMappingA, PAGE_READWRITE};
use windows_sys::Win32::UI::WindowsAndMessaging::SendMessageW;

/// Memory as a client makes it, and its name.
fn memory(size: u32, list: &str) -> io::Result<(OwnedHandle, Vec<u8>)> {
    let name = format!("PageantRequest{}\0", random(8)).into_bytes();
    let descriptor = Descriptor::parse(list).unwrap();
    // SAFETY: the name is terminated, the descriptor alive.
    let made = unsafe {
        CreateFileMappingA(
            INVALID_HANDLE_VALUE,
            &descriptor.attributes(),
            PAGE_READWRITE,
            0,
            size,
            name.as_ptr(),
        )
    };
    if made.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, owned by nobody else.
    Ok((unsafe { OwnedHandle::from_raw_handle(made) }, name))
}

/// The same with a question in it, seen by the client.
fn share(size: u32, content: &[u8], list: &str) -> (Shared, Vec<u8>) {
    let (memory, name) = memory(size, list).unwrap();
    let mut shared = Shared::open(&name).unwrap();
    shared.write(content);
    shared._memory = memory;
    (shared, name)
}

fn send(number: usize, name: &[u8]) -> isize {
    let class = wide(PAGEANT).unwrap();
    let data = COPYDATASTRUCT {
        dwData: number,
        cbData: name.len() as u32,
        lpData: name.as_ptr().cast_mut().cast(),
    };
    // SAFETY: names and structure live through the calls.
    unsafe {
        let window = FindWindowW(class.as_ptr(), class.as_ptr());
        assert!(!window.is_null(), "no window");
        SendMessageW(window, WM_COPYDATA, 0, &raw const data as isize)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_clients_are_answered_and_others_refused() {
    let path = PathBuf::from(format!(r"\\.\pipe\claviger-test.{}", random(12)));
    let listener = Bound::bind(&path).unwrap().listen().unwrap();
    // An agent that answers each question with itself, and one byte more.
    tokio::spawn(async move {
        while let Ok(Some((stream, _))) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = &stream;
                while let Ok(length) = stream.read_u32().await {
                    let mut body = vec![0; length as usize];
                    stream.read_exact(&mut body).await.unwrap();
                    stream.write_all(&(length + 1).to_be_bytes()).await.unwrap();
                    body.push(b'!');
                    stream.write_all(&body).await.unwrap();
                }
            });
        }
    });
    let window = Window::open(&path).unwrap();
    assert!(Window::open(&path).is_err(), "a second window");
    let own = descriptor::private(false).unwrap();
    tokio::task::spawn_blocking(move || {
        let (shared, name) = share(8192, b"\0\0\0\x03abc", &own);
        assert_eq!(send(QUESTION, &name), 1);
        let mut answer = [0; 8];
        shared.read(0, &mut answer);
        assert_eq!(&answer, b"\0\0\0\x04abc!");
        // Another message, no name, a name without an end, one with something behind its end, one of nothing.
        assert_eq!(send(1, &name), 0);
        assert_eq!(send(QUESTION, b""), 0);
        assert_eq!(send(QUESTION, &name[..name.len() - 1]), 0);
        assert_eq!(send(QUESTION, &[&name[..], b"x\0"].concat()), 0);
        assert_eq!(send(QUESTION, &[b'x'; 5000]), 0);
        assert_eq!(send(QUESTION, b"nothing of that name\0"), 0);
        // Lengths that lie: nothing, more than there is, and the most that can be said.
        for lie in [0_u32, 8189, 8193, u32::MAX] {
            let (_shared, name) = share(8192, &lie.to_be_bytes(), &own);
            assert_eq!(send(QUESTION, &name), 0, "{lie}");
        }
        // An answer that does not fit: three bytes less than a page are asked, with no room for one more.
        let (_shared, name) = share(4096, &4092_u32.to_be_bytes(), &own);
        assert_eq!(send(QUESTION, &name), 0);
        // Memory of somebody else, into which the answer would go. Windows lets few programs make such a thing.
        match memory(8192, "O:S-1-5-21-1-2-3-1004D:(A;;GA;;;WD)") {
            Ok((_memory, name)) => {
                assert!(Shared::open(&name).is_err_and(|error| error.to_string().contains("another user")));
                assert_eq!(send(QUESTION, &name), 0);
            }
            Err(error) => assert_eq!(error.raw_os_error(), Some(ERROR_INVALID_OWNER.cast_signed())),
        }
        // And it still serves.
        let (_shared, name) = share(4096, b"\0\0\0\x01x", &own);
        assert_eq!(send(QUESTION, &name), 1);
    })
    .await
    .unwrap();
    drop(window);
}
