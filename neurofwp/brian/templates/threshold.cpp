{# Which cells spike: a block of them is compared at once, in vector instructions, and looked at one by one only where
there is a spike. The condition is evaluated twice, so it must not draw random numbers. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const auto spikes = [&](const int _idx) {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
        return _cond;
    };
    constexpr int block = 128;
    int found = 0;
    for (int first = 0; first < N; first += block) {
        const int end = first + block < N ? first + block : N;
        int any = 0;
        for (int cell = first; cell < end; cell++) any |= spikes(cell);
        if (!any) continue;
        for (int _idx = first; _idx < end; _idx++)
            if (spikes(_idx)) {
                {{get_array_name(eventspace_variable)}}[found++] = _idx;
                {% if _uses_refractory %}
                {{not_refractory}}[_idx] = false;
                {{lastspike}}[_idx] = {{t}};
                {% endif %}
            }
    }
    {{get_array_name(eventspace_variable)}}[N] = found;
{% endblock %}
{% block after_code %}
    {{get_array_name(eventspace_variable)}}[N] = 0;
{% endblock %}
