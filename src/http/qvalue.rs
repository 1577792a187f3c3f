//! Quality values in `Accept`, `Accept-Encoding` and `A-IM` (RFC 9110 §12.4.2).

/// A weight in units of 1/2000, so that [`QValue::LAST_RESORT`] fits below the smallest explicit weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct QValue(u16);

impl QValue {
    pub(super) const ZERO: Self = Self(0);
    /// Acceptable, but after everything that was named.
    pub(super) const LAST_RESORT: Self = Self(1);
    pub(super) const ONE: Self = Self(2000);
}

/// The members of one line of a weighted list; see [`member`].
pub(super) fn members(line: &[u8]) -> impl Iterator<Item = (&[u8], Option<QValue>)> {
    line.split(|&byte| byte == b',').map(member)
}

/// The name and the weight of one member. The weight is 1 by default, and none if it is invalid.
pub(super) fn member(text: &[u8]) -> (&[u8], Option<QValue>) {
    let mut parts = text.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().unwrap_or_default();
    (name, parts.find_map(quality_value).map_or(Some(QValue::ONE), parse_weight))
}

/// The value of a parameter `q=…`.
fn quality_value(parameter: &[u8]) -> Option<&[u8]> {
    let at = parameter.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (&parameter[..at], &parameter[at + 1..]);
    name.trim_ascii_end().eq_ignore_ascii_case(b"q").then(|| value.trim_ascii_start())
}

/// RFC 9110 §12.4.2: `0` or `1` with up to three decimals, at most one.
fn parse_weight(value: &[u8]) -> Option<QValue> {
    let (integer, decimals) = match value {
        [integer] => (integer, &[][..]),
        [integer, b'.', decimals @ ..] if decimals.len() <= 3 => (integer, decimals),
        _ => return None,
    };
    let integer = match integer {
        b'0' => 0,
        b'1' => 1000,
        _ => return None,
    };
    let mut thousandths = integer;
    let mut unit = 100;
    for digit in decimals {
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths += u16::from(digit - b'0') * unit;
        unit /= 10;
    }
    (thousandths <= 1000).then_some(QValue(thousandths * 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_weight_is_parsed_exactly(thousandths in 0_u16..=1000) {
            let text = format!("{:.3}", f64::from(thousandths) / 1000.0);
            prop_assert_eq!(parse_weight(text.as_bytes()), Some(QValue(thousandths * 2)));
        }
    }
}
