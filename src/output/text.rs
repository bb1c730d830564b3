pub struct Text;
impl Text {
    pub fn new(_: super::Look) -> Self {
        Text
    }
}
impl super::Format for Text {
    fn event(
        &mut self,
        _: &mut dyn std::io::Write,
        _: &super::Event,
        _: &super::Context<'_>,
    ) -> std::io::Result<()> {
        Ok(())
    }
    fn finish(
        &mut self,
        o: &mut dyn std::io::Write,
        _: &super::RunSummary,
        _: &super::Context<'_>,
    ) -> std::io::Result<()> {
        o.write_all(b"\n")
    }
}
