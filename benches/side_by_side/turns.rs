//! The pieces of work that are timed: a list, a signature, a whole visit, through an agent, the do-nothing peer, or
//! nobody.

use crate::wire::{self, Client};
use crate::{Result, keys};
use std::path::PathBuf;

/// One piece of work. `check` runs outside the clock, now and then, on what the last `step` brought.
pub(crate) trait Turn {
    /// The timed part.
    fn step(&mut self) -> Result<()>;
    /// Fails when the last step's outcome is not right.
    fn check(&mut self) -> Result<()>;
}

/// A list on an open connection.
pub(crate) struct List {
    client: Client,
    keys: usize,
    answered: usize,
}

impl List {
    /// `keys` are expected in the answer.
    pub(crate) fn new(client: Client, keys: usize) -> Self {
        Self {
            client,
            keys,
            answered: 0,
        }
    }
}

impl Turn for List {
    fn step(&mut self) -> Result<()> {
        self.answered = wire::count(self.client.call(&wire::LIST)?)?;
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        if self.answered == self.keys {
            Ok(())
        } else {
            Err(format!("{} keys listed", self.answered).into())
        }
    }
}

/// What to sign: the request changes a little each time, so that no answer can be remembered.
#[derive(Clone)]
pub(crate) struct Order {
    blob: Vec<u8>,
    data: Vec<u8>,
    request: Vec<u8>,
    data_at: usize,
    number: u64,
}

impl Order {
    /// A login's signature with the key of `blob`.
    pub(crate) fn new(blob: &[u8], algorithm: &str, flags: u32) -> Result<Self> {
        let data = wire::login_data(blob, algorithm)?;
        let request = wire::sign_request(blob, &data, flags)?;
        let data_at = 4 + 1 + 4 + blob.len() + 4;
        Ok(Self {
            blob: blob.to_vec(),
            data,
            request,
            data_at,
            number: 0,
        })
    }

    /// The framed request's length.
    pub(crate) fn size(&self) -> usize {
        self.request.len()
    }

    /// Changes the session id and returns the request.
    fn next(&mut self) -> &[u8] {
        self.number += 1;
        // The session id's first bytes, after its own length.
        let number = self.number.to_be_bytes();
        self.data[4..12].copy_from_slice(&number);
        self.request[self.data_at + 4..self.data_at + 12].copy_from_slice(&number);
        &self.request
    }

    fn verify(&self, answer: &[u8]) -> Result<()> {
        keys::verify(&self.blob, &self.data, answer)
    }
}

/// A signature on an open connection.
pub(crate) struct Sign {
    client: Client,
    order: Order,
    answer: Vec<u8>,
}

impl Sign {
    /// The first signature is made here: it opens the key.
    pub(crate) fn new(mut client: Client, mut order: Order) -> Result<Self> {
        let answer = client.call(order.next())?.to_vec();
        order.verify(&answer)?;
        Ok(Self {
            client,
            order,
            answer,
        })
    }

    /// The framed answer's length.
    pub(crate) fn answer_size(&self) -> usize {
        self.answer.len()
    }
}

impl Turn for Sign {
    fn step(&mut self) -> Result<()> {
        let answer = self.client.call(self.order.next())?;
        self.answer.clear();
        self.answer.extend_from_slice(answer);
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        self.order.verify(&self.answer)
    }
}

/// What a login does: connect, list, sign, close.
pub(crate) struct Visit {
    socket: PathBuf,
    order: Order,
    buffer: Vec<u8>,
    answer: Vec<u8>,
    /// False for the do-nothing peer, whose answers are only as long as the real ones.
    real: bool,
}

impl Visit {
    /// Visits the peer at `socket`.
    pub(crate) fn new(socket: PathBuf, order: Order, real: bool) -> Self {
        Self {
            socket,
            order,
            buffer: vec![0; 4 + 256 * 1024],
            answer: Vec::new(),
            real,
        }
    }
}

impl Turn for Visit {
    fn step(&mut self) -> Result<()> {
        let mut client = Client::with_buffer(&self.socket, std::mem::take(&mut self.buffer))?;
        client.call(&wire::LIST)?;
        let answer = client.call(self.order.next())?;
        self.answer.clear();
        self.answer.extend_from_slice(answer);
        self.buffer = client.close();
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        if self.real {
            self.order.verify(&self.answer)
        } else {
            Ok(())
        }
    }
}

/// A request of the same size to the do-nothing peer.
pub(crate) struct RoundTrip {
    client: Client,
    request: Vec<u8>,
    answer: usize,
    answered: usize,
}

impl RoundTrip {
    /// `request` and `answer` are whole frames' lengths.
    pub(crate) fn new(client: Client, request: usize, answer: usize) -> Self {
        Self {
            client,
            request: vec![0; request],
            answer,
            answered: 0,
        }
    }
}

impl Turn for RoundTrip {
    fn step(&mut self) -> Result<()> {
        self.answered = self.client.call(&self.request)?.len();
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        if self.answered == self.answer {
            Ok(())
        } else {
            Err("the do-nothing peer answered otherwise".into())
        }
    }
}

/// A signature in this process.
pub(crate) struct Raw<F> {
    sign: F,
    order: Order,
}

impl<F: FnMut(&[u8]) -> Result<()>> Raw<F> {
    /// `sign` signs what it is given.
    pub(crate) fn new(order: Order, sign: F) -> Self {
        Self { sign, order }
    }
}

impl<F: FnMut(&[u8]) -> Result<()>> Turn for Raw<F> {
    fn step(&mut self) -> Result<()> {
        self.order.next();
        (self.sign)(&self.order.data)
    }

    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}
