//! KeeAgent's settings as KeeAgent writes them, so that KeePassXC reads them too.
//!
//! UTF-16LE without a mark, as both write it. Each element stands in a line of its own and the empty ones behind those with a
//! text: KeePassXC's reader takes what directly follows an empty element for its end.

use std::time::Duration;

/// How an agent may use the key.
#[derive(Clone, Copy, Default)]
pub(super) struct Terms {
    /// Asked at each use.
    pub(super) confirm: bool,
    /// Leaves the agent after that.
    pub(super) lifetime: Option<Duration>,
}

/// What both programs take where no lifetime is set, in seconds.
const USUAL_LIFETIME: u64 = 600;

/// Settings for a key in the attachment `name`.
pub(super) fn of_attachment(name: &str, terms: Terms) -> Vec<u8> {
    let name = quick_xml::escape::escape(name);
    let Terms { confirm, lifetime } = terms;
    let seconds = lifetime.map_or(USUAL_LIFETIME, |time| time.as_secs());
    let lifetime = lifetime.is_some();
    let xml = format!(
        r#"<?xml version="1.0" encoding="utf-16"?>
<EntrySettings xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <AllowUseOfSshKey>true</AllowUseOfSshKey>
  <AddAtDatabaseOpen>true</AddAtDatabaseOpen>
  <RemoveAtDatabaseClose>true</RemoveAtDatabaseClose>
  <UseConfirmConstraintWhenAdding>{confirm}</UseConfirmConstraintWhenAdding>
  <UseLifetimeConstraintWhenAdding>{lifetime}</UseLifetimeConstraintWhenAdding>
  <LifetimeConstraintDuration>{seconds}</LifetimeConstraintDuration>
  <UseDestinationConstraintWhenAdding>false</UseDestinationConstraintWhenAdding>
  <DestinationConstraints />
  <Location>
    <SelectedType>attachment</SelectedType>
    <AttachmentName>{name}</AttachmentName>
    <SaveAttachmentToTempFile>false</SaveAttachmentToTempFile>
    <FileName />
  </Location>
</EntrySettings>
"#
    );
    xml.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlock::database::settings::{Location, Settings};

    #[test]
    fn what_is_written_is_read_back_as_it_was_meant() {
        for (confirm, lifetime) in [(false, None), (true, Some(90)), (false, Some(600))] {
            let lifetime = lifetime.map(Duration::from_secs);
            let bytes = of_attachment("a & <b>", Terms { confirm, lifetime });
            let settings = Settings::parse(&bytes).unwrap();
            assert!(settings.allowed && settings.at_opening);
            assert_eq!((settings.confirm, settings.lifetime), (confirm, lifetime));
            assert!(settings.destinations.is_empty());
            assert_eq!(
                settings.location,
                Some(Location::Attachment("a & <b>".to_owned()))
            );
        }
    }
}
